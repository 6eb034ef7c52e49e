-- SPDX-License-Identifier: Apache-2.0
-- wants: memory
return playbook { name = "hostile", run = function(p, ctx)
local s = ('x'):rep(1000)
return s:gsub('.', ('y'):rep(1000000))
end }
