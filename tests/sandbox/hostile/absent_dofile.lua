-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'dofile'
return playbook { name = "hostile", run = function(p, ctx)
return dofile
end }
