-- SPDX-License-Identifier: Apache-2.0
-- wants: error value out of range
return playbook { name = "hostile", run = function(p, ctx)
return string.char(256)
end }
