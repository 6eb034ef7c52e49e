-- SPDX-License-Identifier: Apache-2.0
-- wants: error is no data
return playbook { name = "hostile", run = function(p, ctx)
use "azure.appservice".stop { id = function() end }
end }
