-- SPDX-License-Identifier: Apache-2.0
-- wants: error pattern too complex
return playbook { name = "hostile", run = function(p, ctx)
return ('a'):rep(300):find(('a?'):rep(300))
end }
