-- SPDX-License-Identifier: Apache-2.0
-- wants: error use ctx.all
return playbook { name = "hostile", run = function(p, ctx)
coroutine.close(coroutine.create(function() end))
end }
