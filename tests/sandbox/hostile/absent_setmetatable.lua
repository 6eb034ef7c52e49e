-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'setmetatable'
return playbook { name = "hostile", run = function(p, ctx)
return setmetatable
end }
