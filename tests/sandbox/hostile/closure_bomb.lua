-- SPDX-License-Identifier: Apache-2.0
-- wants: memory
return playbook { name = "hostile", run = function(p, ctx)
local fs = {}
while true do local x = {} fs[#fs + 1] = function() return x end end
end }
