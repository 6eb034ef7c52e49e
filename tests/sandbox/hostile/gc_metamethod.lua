-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'setmetatable'
return playbook { name = "hostile", run = function(p, ctx)
setmetatable({}, { __gc = function() while true do end end })
end }
