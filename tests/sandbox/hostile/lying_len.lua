-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'setmetatable'
return playbook { name = "hostile", run = function(p, ctx)
table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)
end }
