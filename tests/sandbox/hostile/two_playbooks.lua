-- SPDX-License-Identifier: Apache-2.0
-- wants: refused stands once
playbook { name = "a", run = function() end }
return playbook { name = "b", run = function() end }
