-- SPDX-License-Identifier: Apache-2.0
-- wants: error non-closable
return playbook { name = "hostile", run = function(p, ctx)
for a in function() end, nil, nil, {} do end
end }
