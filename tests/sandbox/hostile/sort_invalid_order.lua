-- SPDX-License-Identifier: Apache-2.0
-- wants: done 3
return playbook { name = "hostile", run = function(p, ctx)
local t = { 1, 2, 3 }
table.sort(t, function() return true end)
return #t
end }
