-- SPDX-License-Identifier: Apache-2.0
-- wants: error too far
return playbook { name = "hostile", run = function(p, ctx)
table.move({ 1, 2 }, 1, 2, math.maxinteger)
end }
