/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/log.h"

#include <xxhash.h>

uint64_t log_message_hash(const struct log_message *message)
{
    uint64_t key = XXH3_64bits(message->key.data, message->key.length);
    return XXH3_64bits_withSeed(message->payload.data, message->payload.length, key);
}

bool log_message_is_tail(const struct log_message *message, const struct slot *slot)
{
    return message->record_time_us == slot->tail_time_us &&
           (slot->tail_hash == 0 || log_message_hash(message) == slot->tail_hash);
}
