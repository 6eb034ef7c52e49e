-- SPDX-License-Identifier: Apache-2.0
-- wants: error a step is not allowed here
return playbook { name = "hostile", run = function(p, ctx)
table.sort({ 3, 2, 1 }, function(a, b) ctx.now() return a < b end)
end }
