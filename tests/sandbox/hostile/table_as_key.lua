-- SPDX-License-Identifier: Apache-2.0
-- wants: error has no order
return playbook { name = "hostile", run = function(p, ctx)
for k in pairs({ [{}] = 1 }) do return k end
end }
