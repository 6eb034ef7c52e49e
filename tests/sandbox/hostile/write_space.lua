-- SPDX-License-Identifier: Apache-2.0
-- wants: error cannot be written
return playbook { name = "hostile", run = function(p, ctx)
use "azure.appservice".stop = function() end
end }
