-- SPDX-License-Identifier: Apache-2.0
-- wants: error a step is not allowed here
return playbook { name = "hostile", run = function(p, ctx)
table.sort({ 2, 1 }, function() return ctx.wait_until(function() return true end) end)
end }
