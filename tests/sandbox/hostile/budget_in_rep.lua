-- SPDX-License-Identifier: Apache-2.0
-- wants: budget
return playbook { name = "hostile", run = function(p, ctx)
while true do local s = ('x'):rep(1000000) end
end }
