-- SPDX-License-Identifier: Apache-2.0
-- wants: error did you mean 'approve'
return playbook { name = "hostile", run = function(p, ctx)
ctx.aprove {}
end }
