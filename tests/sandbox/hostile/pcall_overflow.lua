-- SPDX-License-Identifier: Apache-2.0
-- wants: error C stack overflow
return playbook { name = "hostile", run = function(p, ctx)
local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end
f()
end }
