-- SPDX-License-Identifier: Apache-2.0
-- wants: done "table"
return playbook { name = "hostile", run = function(p, ctx)
return tostring({})
end }
