/* SPDX-License-Identifier: Apache-2.0 */
#include "record/key_order.h"

void key_order_learn(struct key_order *order, const struct json_key *keys, size_t count)
{
    order->count = 0;
    if (count > KEY_ORDER_KEYS) {
        return;
    }
    size_t used = 0; /* never beyond where a key of this order stood, so none is overwritten before it is moved */
    for (size_t i = 0; i < count; i++) {
        if (keys[i].length > KEY_ORDER_BYTES - used) {
            return;
        }
        memmove(order->bytes + used, keys[i].data, keys[i].length);
        order->keys[i] = keys[i];
        order->keys[i].data = order->bytes + used;
        used += keys[i].length;
    }
    order->count = count;
}
