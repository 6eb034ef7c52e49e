-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'print'
return playbook { name = "hostile", run = function(p, ctx)
return print
end }
