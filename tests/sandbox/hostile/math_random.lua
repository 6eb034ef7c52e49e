-- SPDX-License-Identifier: Apache-2.0
-- wants: error use ctx.random
return playbook { name = "hostile", run = function(p, ctx)
return math.random()
end }
