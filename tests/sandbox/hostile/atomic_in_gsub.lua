-- SPDX-License-Identifier: Apache-2.0
-- wants: error a step is not allowed here
return playbook { name = "hostile", run = function(p, ctx)
return ('abc'):gsub('.', function(c) ctx.atomic(function() end) end)
end }
