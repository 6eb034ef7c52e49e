/* SPDX-License-Identifier: Apache-2.0 */
/* base/arm_type.h - which type of resource an ARM id names. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

/* Does the id name what a parameter of this type ("Microsoft.Web/sites") takes? Without regard to
 * case; a slot of a site is taken for a site, as schema_arm_fits() has it. */
bool arm_is_type(struct span id, struct span type);
