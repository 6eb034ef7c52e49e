-- SPDX-License-Identifier: Apache-2.0
-- wants: spent
return playbook { name = "hostile", run = function(p, ctx)
local function f() return 1 + f() end
return f()
end }
