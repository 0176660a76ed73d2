/* SPDX-License-Identifier: Apache-2.0
 * The escapes of a JSON string. */
#ifndef TIDEMARK_RECORD_JSON_STRING_H
#define TIDEMARK_RECORD_JSON_STRING_H

#include <stdbool.h>
#include <stddef.h>

struct json_string_traits {
    bool lone_surrogate; /* \ud800 without its other half: written as if it were a character, so that keys compare */
    bool nul;            /* \u0000 */
};

/* Replaces the escapes between a string's quotes in place; false, with some replaced, where one is invalid. `length`
 * becomes that of the result, which is never longer. Traits are set where they hold and otherwise left. */
bool json_string_unescape(char *data, size_t *length, struct json_string_traits *traits);

#endif
