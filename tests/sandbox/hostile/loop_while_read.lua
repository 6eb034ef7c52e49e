-- SPDX-License-Identifier: Apache-2.0
-- wants: unloadable instructions
while true do end
