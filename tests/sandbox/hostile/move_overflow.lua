-- SPDX-License-Identifier: Apache-2.0
-- wants: error more than 100000 items
return playbook { name = "hostile", run = function(p, ctx)
table.move({}, math.mininteger, math.maxinteger, 1)
end }
