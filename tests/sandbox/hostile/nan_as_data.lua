-- SPDX-License-Identifier: Apache-2.0
-- wants: error want a finite number
return playbook { name = "hostile", run = function(p, ctx)
use "azure.appservice".stop { id = 0 / 0 }
end }
