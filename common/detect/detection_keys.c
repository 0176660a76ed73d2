/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detection_state.h"

static uint32_t add_known(struct detection *detection, struct key_hash hash)
{
    uint32_t number = detection->free_known;
    void *entries = detection->known;
    if (!number && !detection_reserve(detection, &entries, sizeof *detection->known, detection->known_count,
                                      &detection->known_capacity))
        return 0;
    detection->known = entries;
    if (!detection_take_bytes(detection, key_table_growth(&detection->known_table)))
        return 0;
    uint32_t taken = number ? number : detection->known_count;
    if (!key_table_add(&detection->known_table, hash, taken)) {
        detection_fail(detection, DETECTION_NO_MEMORY);
        return 0;
    }
    if (number)
        detection->free_known = detection->known[number].next;
    else
        detection->known_count++;
    detection->known[taken] = (struct known_key){.hash = hash, .event_time_us = INT64_MIN};
    detection->entries++;
    return taken;
}

/* Whether the state knows the message's key already. What it was refused for stays in reach as long as it does itself,
 * so that a state that is built again refuses it too. */
bool detection_note_key(struct detection *detection, const struct transaction *transaction, bool *ret_is_known)
{
    const struct schema *schema = &detection->detector->source->schema;
    struct floor here = {transaction->offset, detection->clock_us};
    int64_t event_time_us = transaction->record->event_time_us, out_us = detection_out_of_reach_us(detection);
    struct key_hash hash = key_hash(transaction->record->values[schema->key].text, detection->seed);
    uint32_t number = key_table_find(&detection->known_table, hash);
    *ret_is_known = number && detection->known[number].event_time_us > out_us;
    if (event_time_us <= out_us)
        return true;
    bool is_new = number == 0;
    if (is_new && !(number = add_known(detection, hash)))
        return false;
    struct known_key *known = &detection->known[number];
    struct span *span = detection_span(detection, event_time_us, *ret_is_known ? known->from : here);
    if (!span)
        return false;
    if (event_time_us > known->event_time_us) {
        known->event_time_us = event_time_us;
        known->from = here;
    }
    if (is_new) {
        known->next = span->keys;
        span->keys = number;
    }
    return true;
}

/* Those that came again with a later event time move on to its span. */
bool detection_forget_keys(struct detection *detection, uint32_t first, int64_t until_us)
{
    while (first != 0) {
        struct known_key *known = &detection->known[first];
        uint32_t next = known->next;
        if (known->event_time_us > until_us) {
            struct span *span = detection_span(detection, known->event_time_us, known->from);
            if (!span)
                return false;
            known->next = span->keys;
            span->keys = first;
        } else {
            key_table_remove(&detection->known_table, known->hash);
            known->next = detection->free_known;
            detection->free_known = first;
            detection->entries--;
        }
        first = next;
    }
    return true;
}
