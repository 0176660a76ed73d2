/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request_id.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/random.h"

#define STOCK 32 /* numbers: asking the kernel for each takes longer than all the rest */

static bool is_usable(const char *given)
{
    size_t length = given ? strnlen(given, REQUEST_ID_MAX + 1) : 0;
    if (length == 0 || length > REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (given[i] <= ' ' || given[i] > '~')
            return false;
    return true;
}

static uint64_t number_by_chance(void)
{
    static _Thread_local uint64_t numbers[STOCK];
    static _Thread_local size_t left;
    if (left == 0 && random_bytes(numbers, sizeof numbers))
        left = STOCK;
    return left ? numbers[--left] : (uint64_t)clock_monotonic_us();
}

struct request_id request_id_take(const char *given)
{
    struct request_id id;
    id.given = is_usable(given);
    if (id.given) {
        strcpy(id.text, given);
        return id;
    }
    const uint64_t number = number_by_chance();
    *hex_write((struct text){(const char *)&number, sizeof number}, id.text) = '\0';
    return id;
}
