-- SPDX-License-Identifier: Apache-2.0
-- wants: error invalid UTF-8 code
return playbook { name = "hostile", run = function(p, ctx)
for _, c in utf8.codes('\xff') do end
end }
