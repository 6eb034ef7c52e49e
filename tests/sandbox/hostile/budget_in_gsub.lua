-- SPDX-License-Identifier: Apache-2.0
-- wants: budget
return playbook { name = "hostile", run = function(p, ctx)
return ('x'):rep(10):gsub('.', function() while true do end end)
end }
