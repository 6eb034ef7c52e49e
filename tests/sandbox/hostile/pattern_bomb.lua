-- SPDX-License-Identifier: Apache-2.0
-- wants: killed
return playbook { name = "hostile", run = function(p, ctx)
return ('a'):rep(40):find(('.-'):rep(12) .. 'b')
end }
