-- SPDX-License-Identifier: Apache-2.0
-- wants: memory
return playbook { name = "hostile", run = function(p, ctx)
local s = 'x'
while true do s = s .. s end
end }
