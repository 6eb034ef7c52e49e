/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arm_type.h"

#include "base/schema_part.h"

bool arm_is_type(struct span id, struct span type)
{
    struct str found = { 0 };

    bool is_type = schema_arm_type(id, &found) && schema_arm_fits(type, str_span(&found));
    str_fini(&found);
    return is_type;
}
