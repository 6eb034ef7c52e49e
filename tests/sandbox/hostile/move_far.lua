-- SPDX-License-Identifier: Apache-2.0
-- wants: error more than 100000 items
return playbook { name = "hostile", run = function(p, ctx)
table.move({}, 1, math.maxinteger - 1, 2)
end }
