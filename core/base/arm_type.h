/* SPDX-License-Identifier: Apache-2.0 */
/* base/arm_type.h - which type of resource an ARM id names. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Is the id one of a resource of this type ("Microsoft.Web/sites")? The types behind the id's
 * last "providers" count, without regard to case: a slot of a site is no site. */
bool arm_is_type(struct span id, struct span type);
