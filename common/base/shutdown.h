/* SPDX-License-Identifier: Apache-2.0
 * TERM or INT once asks for a clean end; twice ends at once with 128 + signal. Signals only set a flag. A clean end may
 * have to wait for a server that is silent, and whoever asked waits too, but not for ever: so a program may have itself
 * watched, and what isn't ended by a deadline is left. */
#ifndef TIDEMARK_BASE_SHUTDOWN_H
#define TIDEMARK_BASE_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

void shutdown_install(void);   /* also ignores PIPE; call before threads start */
bool shutdown_requested(void); /* any thread */
void shutdown_request(void);   /* as if TERM had come; any thread */
int shutdown_descriptor(void); /* readable once a shutdown is requested; for poll() */

/* From this time of the monotonic clock on the calling thread, and no other, finds a shutdown requested: so whatever
 * waits on its way ends for a time limit as it does for a signal. 0 takes it back. */
void shutdown_end_thread_at(int64_t monotonic_us);
int64_t shutdown_thread_end_us(void); /* INT64_MAX: none */

/* Starts a thread that calls `leave` once, `deadline_us` after the first request for a shutdown, where the process is
 * still there. `leave` is to end it without waiting for any lock. False where no thread can be made. Call it behind
 * shutdown_install. */
bool shutdown_watch(int64_t deadline_us, void (*leave)(void));

/* What is left at `now_us`, not below 0, of the `deadline_us` of a shutdown that was requested at `requested_us`. */
int64_t shutdown_left_us(int64_t requested_us, int64_t deadline_us, int64_t now_us);

/* Sleeps until `timeout_ms` is over or a shutdown is requested; false where a shutdown is requested. */
bool shutdown_sleep(int64_t timeout_ms);

#endif
