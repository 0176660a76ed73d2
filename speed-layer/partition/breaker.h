/* SPDX-License-Identifier: Apache-2.0
 * Stops a partition when most of its messages are suddenly bad: then it isn't the messages that are wrong, but what is
 * said of them, and to go on would drain the topic into dead letters. */
#ifndef TIDEMARK_SPEED_BREAKER_H
#define TIDEMARK_SPEED_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/* Trips where more than `limit` of the last 2 * limit messages are bad. All zero never trips. */
struct breaker {
    int64_t limit;
    int64_t seen, bad;   /* messages, and bad ones among the last 2 * limit */
    unsigned char *last; /* a bit for each of the last 2 * limit: it was bad */
};

/* A limit of 0 never trips. False where memory is short. */
bool breaker_init(struct breaker *breaker, int64_t limit);
void breaker_clean_up(struct breaker *breaker);

/* Forgets what was seen. */
void breaker_reset(struct breaker *breaker);

/* It had tripped already when it was last here: most of what may be bad is taken to have been. */
void breaker_expect_bad(struct breaker *breaker);

/* Notes a message; true where it trips. */
bool breaker_note(struct breaker *breaker, bool bad);

#endif
