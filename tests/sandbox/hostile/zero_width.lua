-- SPDX-License-Identifier: Apache-2.0
-- wants: refused U+200B cannot be seen
local a​b = 1
