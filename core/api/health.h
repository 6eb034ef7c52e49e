/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/health.h - for whoever watches the process.
 */
#pragma once

struct request;

void get_health(struct request *request); /* 200: this process answers */
void get_ready(struct request *request);  /* 200: the engine does; else 503 */
