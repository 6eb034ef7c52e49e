/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/console.h - the console's files, which are part of the binary.
 */
#pragma once

#include "api/http.h"

handler_fn get_console, get_console_file, go_to_console;
