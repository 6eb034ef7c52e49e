-- SPDX-License-Identifier: Apache-2.0
-- wants: error use local x
return playbook { name = "hostile", run = function(p, ctx)
x = 1
end }
