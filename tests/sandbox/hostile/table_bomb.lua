-- SPDX-License-Identifier: Apache-2.0
-- wants: memory
return playbook { name = "hostile", run = function(p, ctx)
local t = {}
while true do t = { t, ('x'):rep(100000) .. #t } t[3] = { t } for i = 1, 100 do t[#t + 1] = {} end end
end }
