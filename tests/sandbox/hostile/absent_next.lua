-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'next'
return playbook { name = "hostile", run = function(p, ctx)
return next
end }
