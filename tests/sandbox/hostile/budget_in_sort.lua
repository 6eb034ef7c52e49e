-- SPDX-License-Identifier: Apache-2.0
-- wants: budget
return playbook { name = "hostile", run = function(p, ctx)
table.sort({ 3, 2, 1 }, function() while true do end end)
end }
