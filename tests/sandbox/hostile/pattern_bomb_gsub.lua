-- SPDX-License-Identifier: Apache-2.0
-- wants: killed
return playbook { name = "hostile", run = function(p, ctx)
return ('a'):rep(60):gsub(('a-'):rep(15) .. 'c', '')
end }
