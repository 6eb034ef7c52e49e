-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'getmetatable'
return playbook { name = "hostile", run = function(p, ctx)
return getmetatable
end }
