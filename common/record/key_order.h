/* SPDX-License-Identifier: Apache-2.0
 * The keys of a message in the order in which the last ones had them.
 *
 * Producers write their keys in the same order each time. A message whose keys are found here one behind the other
 * (some may be missing) has no duplicate among them, and each key's number is known by one comparison. */
#ifndef TIDEMARK_RECORD_KEY_ORDER_H
#define TIDEMARK_RECORD_KEY_ORDER_H

#include "record/json_key.h"

#define KEY_ORDER_KEYS 64 /* so that a 64-bit mask can say which were seen */
#define KEY_ORDER_BYTES 4096
#define KEY_ORDER_NONE SIZE_MAX

struct key_order {
    size_t count; /* all zero is an order without keys */
    struct json_key keys[KEY_ORDER_KEYS];
    char bytes[KEY_ORDER_BYTES]; /* what the keys' data points to */
};

/* The number of this key from `from` on, or KEY_ORDER_NONE. */
static inline size_t key_order_find(const struct key_order *order, size_t from, const struct json_key *key)
{
    for (size_t i = from; i < order->count; i++) {
        if (json_key_equal(&order->keys[i], key)) {
            return i;
        }
    }
    return KEY_ORDER_NONE;
}

/* Takes these distinct keys, with their numbers, as the order. It becomes empty where they are too many or too long.
 * The first of them may be keys of this order itself, as long as they follow each other as they did here. */
void key_order_learn(struct key_order *order, const struct json_key *keys, size_t count);

#endif
