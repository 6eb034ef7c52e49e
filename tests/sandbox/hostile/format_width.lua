-- SPDX-License-Identifier: Apache-2.0
-- wants: error invalid
return playbook { name = "hostile", run = function(p, ctx)
return ('%1000d'):format(1)
end }
