-- SPDX-License-Identifier: Apache-2.0
-- wants: error more than 1000 branches
return playbook { name = "hostile", run = function(p, ctx)
local t = {}
for i = 1, 2000 do t[i] = function() ctx.now() end end
ctx.all(t)
end }
