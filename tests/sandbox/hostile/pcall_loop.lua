-- SPDX-License-Identifier: Apache-2.0
-- wants: budget
return playbook { name = "hostile", run = function(p, ctx)
local n = 0
while true do pcall(function() while true do n = n + 1 end end) end
end }
