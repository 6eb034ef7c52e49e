-- SPDX-License-Identifier: Apache-2.0
-- wants: error string has no 'dump'
return playbook { name = "hostile", run = function(p, ctx)
return ('x'):dump()
end }
