-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable '_G'
return playbook { name = "hostile", run = function(p, ctx)
return _G
end }
