-- SPDX-License-Identifier: Apache-2.0
-- wants: error longer than 262144
return playbook { name = "hostile", run = function(p, ctx)
local t = {}
for i = 1, 60000 do t[i] = "some text" end
use "azure.appservice".stop { id = t }
end }
