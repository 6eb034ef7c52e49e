-- SPDX-License-Identifier: Apache-2.0
-- wants: error more than 1048576 bytes is not searched
return playbook { name = "hostile", run = function(p, ctx)
local s = ('x'):rep(1048576) .. 'y'
return s:find('z')
end }
