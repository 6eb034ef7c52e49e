-- SPDX-License-Identifier: Apache-2.0
-- wants: error 262144
return playbook { name = "hostile", run = function(p, ctx)
use "azure.appservice".stop { id = ("x"):rep(300000) }
end }
