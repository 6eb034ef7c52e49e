-- SPDX-License-Identifier: Apache-2.0
-- wants: unloadable MiB of memory
local s = ("x"):rep(1000000)
while true do s = s .. s end
