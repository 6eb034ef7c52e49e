-- SPDX-License-Identifier: Apache-2.0
-- wants: error math has no 'sin'
return playbook { name = "hostile", run = function(p, ctx)
return math.sin(1)
end }
