-- SPDX-License-Identifier: Apache-2.0
-- wants: error use ctx.random
return playbook { name = "hostile", run = function(p, ctx)
math.randomseed(1)
end }
