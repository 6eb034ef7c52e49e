-- SPDX-License-Identifier: Apache-2.0
-- wants: refused a step is not allowed here
local site = use "azure.appservice"
site.stop { id = "x" }
return playbook { name = "hostile", run = function() end }
