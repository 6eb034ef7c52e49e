-- SPDX-License-Identifier: Apache-2.0
-- wants: memory
return playbook { name = "hostile", run = function(p, ctx)
local t = {}
for i = 1, 100 do t[i] = ('x'):rep(1000000) .. '' end
return #table.concat(t)
end }
