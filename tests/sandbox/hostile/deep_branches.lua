-- SPDX-License-Identifier: Apache-2.0
-- wants: error 8 deep
return playbook { name = "hostile", run = function(p, ctx)
local function f() ctx.all { f } end
f()
end }
