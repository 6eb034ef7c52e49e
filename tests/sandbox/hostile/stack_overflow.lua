-- SPDX-License-Identifier: Apache-2.0
-- wants: error stack overflow
return playbook { name = "hostile", run = function(p, ctx)
local function f(a, b, c, d, e, g, h, i, j, k) return 1 + f(a, b, c, d, e, g, h, i, j, k) end
return f()
end }
