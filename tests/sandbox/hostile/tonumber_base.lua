-- SPDX-License-Identifier: Apache-2.0
-- wants: error base out of range
return playbook { name = "hostile", run = function(p, ctx)
return tonumber('z', 99)
end }
