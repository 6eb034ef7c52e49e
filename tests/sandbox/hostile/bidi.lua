-- SPDX-License-Identifier: Apache-2.0
-- wants: refused U+202E cannot be seen
local x = "‮"
return x
