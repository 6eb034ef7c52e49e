-- SPDX-License-Identifier: Apache-2.0
-- wants: error %p is not taken
return playbook { name = "hostile", run = function(p, ctx)
return ('\0%p'):format({})
end }
