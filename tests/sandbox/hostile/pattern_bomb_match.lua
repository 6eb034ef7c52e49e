-- SPDX-License-Identifier: Apache-2.0
-- wants: killed
return playbook { name = "hostile", run = function(p, ctx)
return ('a'):rep(5000):match(('a*'):rep(20) .. 'b')
end }
