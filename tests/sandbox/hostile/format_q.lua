-- SPDX-License-Identifier: Apache-2.0
-- wants: error %q is not taken
return playbook { name = "hostile", run = function(p, ctx)
return ('%q'):format(1.5)
end }
