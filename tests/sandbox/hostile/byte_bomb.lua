-- SPDX-License-Identifier: Apache-2.0
-- wants: error string slice too long
return playbook { name = "hostile", run = function(p, ctx)
return ('x'):rep(1000000):byte(1, -1)
end }
