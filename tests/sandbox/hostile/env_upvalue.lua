-- SPDX-License-Identifier: Apache-2.0
-- wants: refused _ENV cannot be used
local e = _ENV
return e
