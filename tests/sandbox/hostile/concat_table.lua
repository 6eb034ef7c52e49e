-- SPDX-License-Identifier: Apache-2.0
-- wants: error attempt to concatenate a table value
return playbook { name = "hostile", run = function(p, ctx)
return 'x' .. {}
end }
