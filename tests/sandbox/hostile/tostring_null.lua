-- SPDX-License-Identifier: Apache-2.0
-- wants: done "null"
return playbook { name = "hostile", run = function(p, ctx)
return tostring(null)
end }
