-- SPDX-License-Identifier: Apache-2.0
-- wants: error part of the language
return playbook { name = "hostile", run = function(p, ctx)
use "azure.appservice".stop { id = string }
end }
