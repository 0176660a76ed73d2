/* SPDX-License-Identifier: Apache-2.0
 * A thread that does the same work again and again until it is stopped, and waits in between: for the time that each
 * tick names, or until somebody wakes it. */
#ifndef TIDEMARK_BASE_TICKER_H
#define TIDEMARK_BASE_TICKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define TICKER_END INT64_MAX /* what the last tick gives: the thread ends by itself */

struct ticker {
    int64_t (*tick)(void *context);
    void *context;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool is_woken, is_stopping;
    int64_t next_us;
    bool has_thread; /* of who starts and stops it */
    pthread_t thread;
};

/* `tick` does the work once, and gives the monotonic time at which it wants to be called again; one that is past is at
 * once. */
void ticker_init(struct ticker *ticker, int64_t (*tick)(void *context), void *context);

/* The first tick comes at `first_us`, monotonic; 0 is at once. */
bool ticker_start(struct ticker *ticker, int64_t first_us, struct error *error) MUST_CHECK;

/* The next tick comes at once, and if one is on its way, another one behind it. Any thread, also before the start. */
void ticker_wake(struct ticker *ticker);

/* For ticks that take long: whether somebody waits for the end. */
bool ticker_is_stopping(struct ticker *ticker);

/* Waits for the tick that is on its way, if any; then there are no more. May be called again. */
void ticker_stop(struct ticker *ticker);

/* Stops it where that wasn't done, and frees what ticker_init made. */
void ticker_clean_up(struct ticker *ticker);

#endif
