/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"

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

struct request_id request_id_take(const char *given)
{
    struct request_id id = {.given = is_usable(given)};
    uint64_t number;
    if (id.given) {
        strcpy(id.text, given);
        return id;
    }
    if (!random_bytes(&number, sizeof number))
        number = (uint64_t)clock_monotonic_us();
    snprintf(id.text, sizeof id.text, "%016" PRIx64, number);
    return id;
}
