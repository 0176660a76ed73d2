/* SPDX-License-Identifier: Apache-2.0
 * TERM or INT once asks for a clean end; twice ends at once with 128 + signal. Signals only set a flag. */
#ifndef TIDEMARK_BASE_SHUTDOWN_H
#define TIDEMARK_BASE_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

void shutdown_install(void);   /* also ignores PIPE; call before threads start */
bool shutdown_requested(void); /* any thread */
void shutdown_request(void);   /* as if TERM had come; any thread */
int shutdown_descriptor(void); /* readable once a shutdown is requested; for poll() */

/* Sleeps until `timeout_ms` is over or a shutdown is requested; false where a shutdown is requested. */
bool shutdown_sleep(int64_t timeout_ms);

#endif
