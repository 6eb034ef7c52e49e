-- SPDX-License-Identifier: Apache-2.0
-- wants: error string has no 'pack'
return playbook { name = "hostile", run = function(p, ctx)
return string.pack('i4', 1)
end }
