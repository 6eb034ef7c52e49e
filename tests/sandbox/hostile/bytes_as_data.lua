-- SPDX-License-Identifier: Apache-2.0
-- wants: error want UTF-8
return playbook { name = "hostile", run = function(p, ctx)
use "azure.appservice".stop { id = "\xff" }
end }
