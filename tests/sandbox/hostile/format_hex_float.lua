-- SPDX-License-Identifier: Apache-2.0
-- wants: error %a is not taken
return playbook { name = "hostile", run = function(p, ctx)
return ('%a'):format(1.5)
end }
