-- SPDX-License-Identifier: Apache-2.0
-- wants: done 3
return playbook { name = "hostile", run = function(p, ctx)
local t = { 3, 2, 1 }
table.sort(t, function(a, b) t[1] = nil return a < b end)
return #t
end }
