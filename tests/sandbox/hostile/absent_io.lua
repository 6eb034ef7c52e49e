-- SPDX-License-Identifier: Apache-2.0
-- wants: error there is no variable 'io'
return playbook { name = "hostile", run = function(p, ctx)
return io
end }
