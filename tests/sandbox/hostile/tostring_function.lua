-- SPDX-License-Identifier: Apache-2.0
-- wants: done "function"
return playbook { name = "hostile", run = function(p, ctx)
return tostring(tostring)
end }
