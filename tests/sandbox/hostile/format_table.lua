-- SPDX-License-Identifier: Apache-2.0
-- wants: error wants a string or a number, got a table
return playbook { name = "hostile", run = function(p, ctx)
return ('%s'):format({})
end }
