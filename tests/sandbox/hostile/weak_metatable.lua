-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'setmetatable'
return playbook { name = "hostile", run = function(p, ctx)
local t = setmetatable({}, { __mode = 'kv' })
end }
