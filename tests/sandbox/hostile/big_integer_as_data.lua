-- SPDX-License-Identifier: Apache-2.0
-- wants: error 2^53
return playbook { name = "hostile", run = function(p, ctx)
use "azure.appservice".stop { id = 1 << 60 }
end }
