-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'rawlen'
return playbook { name = "hostile", run = function(p, ctx)
return rawlen
end }
