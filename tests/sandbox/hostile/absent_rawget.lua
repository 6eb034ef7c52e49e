-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'rawget'
return playbook { name = "hostile", run = function(p, ctx)
return rawget
end }
