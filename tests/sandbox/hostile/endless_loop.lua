-- SPDX-License-Identifier: Apache-2.0
-- wants: budget
return playbook { name = "hostile", run = function(p, ctx)
while true do end
end }
