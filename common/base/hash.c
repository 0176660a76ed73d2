/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <xxhash.h>

#include "base/clock.h"
#include "base/random.h"

static uint64_t seed;

/* Before main: no thread has to wait for another, and a simulation's schedules lose no number to it. */
__attribute__((constructor)) static void draw_seed(void)
{
    if (!random_bytes(&seed, sizeof seed))
        seed = (uint64_t)clock_wall_us();
}

uint64_t hash_bytes(const void *data, size_t length)
{
    return XXH3_64bits_withSeed(data, length, seed);
}
