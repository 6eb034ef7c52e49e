-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'coroutine'
return playbook { name = "hostile", run = function(p, ctx)
return coroutine
end }
