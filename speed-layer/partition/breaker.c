/* SPDX-License-Identifier: Apache-2.0 */
#include "partition/breaker.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const struct breaker *breaker)
{
    return (size_t)(2 * breaker->limit) / 8 + 1;
}

bool breaker_init(struct breaker *breaker, int64_t limit)
{
    *breaker = (struct breaker){.limit = limit};
    breaker->last = limit > 0 ? calloc(1, bytes_of(breaker)) : NULL;
    return limit == 0 || breaker->last != NULL;
}

void breaker_clean_up(struct breaker *breaker)
{
    free(breaker->last);
    *breaker = (struct breaker){0};
}

void breaker_reset(struct breaker *breaker)
{
    if (breaker->limit > 0)
        memset(breaker->last, 0, bytes_of(breaker));
    breaker->seen = breaker->bad = 0;
}

void breaker_expect_bad(struct breaker *breaker)
{
    for (int64_t i = breaker->limit / 10; i < breaker->limit; i++)
        (void)breaker_note(breaker, true);
}

bool breaker_note(struct breaker *breaker, bool bad)
{
    if (breaker->limit == 0)
        return false;
    int64_t place = breaker->seen++ % (2 * breaker->limit);
    unsigned char *byte = &breaker->last[place / 8];
    unsigned char bit = (unsigned char)(1U << (place % 8));
    breaker->bad += (int)bad - ((*byte & bit) != 0);
    *byte = (unsigned char)(bad ? *byte | bit : *byte & ~bit);
    return breaker->bad > breaker->limit;
}
