-- SPDX-License-Identifier: Apache-2.0
-- wants: refused error takes a string or a table
error(nil)
