-- SPDX-License-Identifier: Apache-2.0
-- wants: error deeper than 32 levels
return playbook { name = "hostile", run = function(p, ctx)
local t = {}
t.t = t
use "azure.appservice".stop(t)
end }
