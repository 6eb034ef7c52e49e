-- SPDX-License-Identifier: Apache-2.0
-- wants: refused _ENV cannot be used
local _ENV <const> = {}
x = 1
