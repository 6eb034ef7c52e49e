-- SPDX-License-Identifier: Apache-2.0
-- wants: error list without holes
return playbook { name = "hostile", run = function(p, ctx)
table.insert({ 1, nil, 3 }, 4)
end }
