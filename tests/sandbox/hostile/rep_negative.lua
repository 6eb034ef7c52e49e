-- SPDX-License-Identifier: Apache-2.0
-- wants: done ""
return playbook { name = "hostile", run = function(p, ctx)
return ('x'):rep(math.mininteger)
end }
