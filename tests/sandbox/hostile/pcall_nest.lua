-- SPDX-License-Identifier: Apache-2.0
-- wants: spent
return playbook { name = "hostile", run = function(p, ctx)
local function f() while true do pcall(f) end end
f()
end }
