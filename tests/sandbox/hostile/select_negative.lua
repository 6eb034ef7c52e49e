-- SPDX-License-Identifier: Apache-2.0
-- wants: error index out of range
return playbook { name = "hostile", run = function(p, ctx)
return select(-5, 1)
end }
