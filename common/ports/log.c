/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/log.h"

#include <string.h>
#include <xxhash.h>

uint64_t log_message_hash(const struct log_message *message)
{
    uint64_t key = XXH3_64bits(message->key.data, message->key.length);
    return XXH3_64bits_withSeed(message->payload.data, message->payload.length, key);
}

bool log_policy_check(const char *source, const char *topic, const char *policy, struct error *error)
{
    return !strstr(policy, "compact") ||
           error_set(error, ERROR_CONFIGURATION,
                     "source %s: the cleanup.policy of its topic %s is %s: compaction removes older messages of a key, "
                     "so the topic is no log of all messages and no sum over it can be told; send them to a topic with "
                     "the policy delete, and follow that one",
                     source, topic, policy);
}

bool log_message_is_tail(const struct log_message *message, int64_t record_time_us, uint64_t hash)
{
    return message->record_time_us == record_time_us && (hash == 0 || log_message_hash(message) == hash);
}
