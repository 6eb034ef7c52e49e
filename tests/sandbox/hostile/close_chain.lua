-- SPDX-License-Identifier: Apache-2.0
-- wants: refused <close> cannot be used
return playbook { name = "hostile", run = function(p, ctx)
local function f() local x <close> = nil end f()
end }
