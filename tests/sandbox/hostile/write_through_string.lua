-- SPDX-License-Identifier: Apache-2.0
-- wants: error attempt to index a string value
return playbook { name = "hostile", run = function(p, ctx)
local s = 'x'
s.rep = nil
end }
