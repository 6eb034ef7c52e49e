-- SPDX-License-Identifier: Apache-2.0
-- wants: refused raised a table
error { code = 'x' }
