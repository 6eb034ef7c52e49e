-- SPDX-License-Identifier: Apache-2.0
-- wants: refused end with: return playbook
return { name = 'x', run = function() end }
