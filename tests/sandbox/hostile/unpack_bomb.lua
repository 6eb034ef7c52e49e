-- SPDX-License-Identifier: Apache-2.0
-- wants: error more than 100000 items
return playbook { name = "hostile", run = function(p, ctx)
return table.unpack({}, 1, 1e7)
end }
