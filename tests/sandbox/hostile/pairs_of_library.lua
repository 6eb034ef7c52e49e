-- SPDX-License-Identifier: Apache-2.0
-- wants: error cannot be walked
return playbook { name = "hostile", run = function(p, ctx)
for k in pairs(string) do end
end }
