-- SPDX-License-Identifier: Apache-2.0
-- wants: budget
return playbook { name = "hostile", run = function(p, ctx)
local t = {}
while true do table.insert(t, 1, 1) end
end }
