/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ticker.h"

#include <time.h>

#include "base/clock.h"

void ticker_init(struct ticker *ticker, int64_t (*tick)(void *context), void *context)
{
    pthread_condattr_t monotonic;
    *ticker = (struct ticker){.tick = tick, .context = context};
    pthread_mutex_init(&ticker->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* False where the thread is to end. */
static bool wait_for_tick(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    const struct timespec until = {.tv_sec = ticker->next_us / US_PER_SECOND,
                                   .tv_nsec = ticker->next_us % US_PER_SECOND * 1000};
    while (!ticker->is_stopping && !ticker->is_woken && clock_monotonic_us() < ticker->next_us)
        pthread_cond_timedwait(&ticker->changed, &ticker->lock, &until);
    ticker->is_woken = false;
    bool goes_on = !ticker->is_stopping;
    pthread_mutex_unlock(&ticker->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct ticker *ticker = context;
    while (ticker->next_us != TICKER_END && wait_for_tick(ticker))
        ticker->next_us = ticker->tick(ticker->context);
    return NULL;
}

bool ticker_start(struct ticker *ticker, int64_t first_us, struct error *error)
{
    ticker->next_us = first_us;
    ticker->has_thread = pthread_create(&ticker->thread, NULL, run, ticker) == 0;
    return ticker->has_thread || error_set(error, ERROR_INTERNAL, "can't start a thread");
}

void ticker_wake(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    ticker->is_woken = true;
    pthread_cond_signal(&ticker->changed);
    pthread_mutex_unlock(&ticker->lock);
}

bool ticker_is_stopping(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    bool is_stopping = ticker->is_stopping;
    pthread_mutex_unlock(&ticker->lock);
    return is_stopping;
}

void ticker_stop(struct ticker *ticker)
{
    pthread_mutex_lock(&ticker->lock);
    ticker->is_stopping = true;
    pthread_cond_signal(&ticker->changed);
    pthread_mutex_unlock(&ticker->lock);
    if (ticker->has_thread)
        pthread_join(ticker->thread, NULL);
    ticker->has_thread = false;
}

void ticker_clean_up(struct ticker *ticker)
{
    ticker_stop(ticker);
    pthread_cond_destroy(&ticker->changed);
    pthread_mutex_destroy(&ticker->lock);
}
