-- SPDX-License-Identifier: Apache-2.0
-- wants: memory
return playbook { name = "hostile", run = function(p, ctx)
local t = {}
while true do pcall(function() for i = 1, 1000 do t[#t + 1] = ('x'):rep(1000) .. #t end end) end
end }
