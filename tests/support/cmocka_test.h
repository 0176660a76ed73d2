/* SPDX-License-Identifier: Apache-2.0
 * What a CMocka program includes, in the order in which CMocka wants it; and numbers by chance from a printed seed. */
#ifndef TIDEMARK_TESTS_CMOCKA_TEST_H
#define TIDEMARK_TESTS_CMOCKA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* xorshift64*, S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled". */
static uint64_t test_random_state;

/* From the environment's SEED, else from the clock; printed, so that a failure can be played again. */
static inline void test_random_seed(void)
{
    const char *given = getenv("SEED");
    test_random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u;
    test_random_state |= 1;
    print_message("SEED=%llu\n", (unsigned long long)test_random_state);
}

static inline uint64_t test_random(uint64_t below)
{
    test_random_state ^= test_random_state >> 12;
    test_random_state ^= test_random_state << 25;
    test_random_state ^= test_random_state >> 27;
    return test_random_state * UINT64_C(2685821657736338717) % below;
}

#endif
