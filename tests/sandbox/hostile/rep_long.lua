-- SPDX-License-Identifier: Apache-2.0
-- wants: error more than 1048576 bytes
return playbook { name = "hostile", run = function(p, ctx)
return ('x'):rep(1 << 40)
end }
