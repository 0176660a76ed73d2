/* SPDX-License-Identifier: Apache-2.0
 * Back-off between attempts: exponential, with full jitter above half of it, never above a ceiling.
 * (After "Exponential Backoff And Jitter", M. Brooker, AWS Architecture Blog, 2015: "equal jitter".) */
#ifndef TIDEMARK_BASE_RETRY_H
#define TIDEMARK_BASE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct retry {
    int64_t first_ms;   /* wait after the first failure */
    int64_t ceiling_ms; /* no wait is longer */
    unsigned attempts;  /* failures since the last success */
    int64_t next_us;    /* monotonic time of the next attempt; 0 is at once */
};

/* For stores and brokers: from 100 ms to 5 s. */
#define RETRY_DEPENDENCY ((struct retry){.first_ms = 100, .ceiling_ms = 5000})

void retry_failed(struct retry *retry, int64_t now_us); /* sets next_us */
void retry_succeeded(struct retry *retry);
int64_t retry_wait_us(const struct retry *retry, int64_t now_us); /* 0 where it is time */

/* For who has nothing else to do: notes a failure, and sleeps until the next attempt. False where a shutdown is
 * requested. */
bool retry_sleep(struct retry *retry);

#endif
