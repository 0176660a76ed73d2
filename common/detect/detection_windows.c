/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detection_state.h"

#include <stdlib.h>

#include "detect/packed_fields.h"

/* The values of the `by` fields, each in a form that no other has; false where one is null. */
static bool append_by_values(const struct rule *rule, const struct schema *schema, const struct value values[],
                             struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < rule->by_count; i++) {
        const struct value *value = &values[rule->by[i]];
        if (!value->present)
            return false;
        bool is_text = schema->fields[rule->by[i]].type == FIELD_TEXT;
        int64_t word = is_text ? (int64_t)value->text.length : value->number;
        buffer_append(out, &word, sizeof word);
        if (is_text)
            buffer_append_text(out, value->text);
    }
    return true;
}

static uint32_t add_key(struct detection *detection, struct velocity *velocity, struct key_hash hash)
{
    uint32_t number = velocity->free_key;
    void *entries = velocity->keys;
    if (!number &&
        !detection_reserve(detection, &entries, sizeof *velocity->keys, velocity->key_count, &velocity->key_capacity))
        return 0;
    velocity->keys = entries;
    if (!detection_take_bytes(detection, key_table_growth(&velocity->table)))
        return 0;
    uint32_t taken = number ? number : velocity->key_count;
    if (!key_table_add(&velocity->table, hash, taken)) {
        detection_fail(detection, DETECTION_NO_MEMORY);
        return 0;
    }
    if (number)
        velocity->free_key = velocity->keys[number].next;
    else
        velocity->key_count++;
    velocity->keys[taken] = (struct window_key){.hash = hash};
    return taken;
}

static bool note_exceeding(void *context, uint32_t number)
{
    struct detection *detection = context;
    if (detection->exceeding_count == detection->exceeding_capacity) {
        size_t capacity = detection->exceeding_capacity ? 2 * detection->exceeding_capacity : 64;
        struct exceeding *larger = realloc(detection->exceeding, capacity * sizeof *larger);
        if (!larger)
            return detection_fail(detection, DETECTION_NO_MEMORY);
        detection->exceeding = larger;
        detection->exceeding_capacity = capacity;
    }
    const struct window_node *node = window_node(&detection->now->pool, number);
    detection->exceeding[detection->exceeding_count++] =
        (struct exceeding){node->event_time_us, node->offset, node->fields, detection->now, number};
    return true;
}

static uint32_t take_node(struct detection *detection, struct velocity *velocity)
{
    if (!detection_take_bytes(detection, window_pool_growth(&velocity->pool)))
        return WINDOW_NONE;
    uint32_t number = window_take(&velocity->pool);
    if (number == WINDOW_NONE)
        detection_fail(detection, DETECTION_NO_MEMORY);
    return number;
}

void detection_hit(struct detection *detection, size_t rule, int64_t count, uint32_t node)
{
    detection->nodes[detection->hit_count] = node;
    detection->hits[detection->hit_count++] = (struct alert_hit){rule, count};
}

/* Adds the transaction to the windows of its value; *ret_is_misplaced is set where its Kafka key is another one. */
static bool add_to_rule(struct detection *detection, struct velocity *velocity, const struct transaction *transaction,
                        const void *fields, bool *ret_is_misplaced)
{
    struct key_hash hash = key_hash(buffer_text(&detection->key), detection->seed);
    uint64_t kafka_key = key_hash(transaction->kafka_key, detection->seed).low;
    uint32_t key = key_table_find(&velocity->table, hash);
    bool is_new = key == 0;
    if (is_new && !(key = add_key(detection, velocity, hash)))
        return false;
    uint32_t number = take_node(detection, velocity);
    if (number == WINDOW_NONE)
        return false;
    struct window_node *node = window_node(&velocity->pool, number);
    node->event_time_us = transaction->record->event_time_us;
    node->offset = transaction->offset;
    node->fields = fields;
    node->key = key;
    struct span *span =
        detection_span(detection, node->event_time_us, (struct floor){transaction->offset, detection->clock_us});
    if (!span)
        return false;
    uint32_t *list = &span->transactions[velocity - detection->velocities];
    node->next = *list;
    *list = number;
    detection->entries++;
    struct window_key *entry = &velocity->keys[key];
    entry->kafka_key = is_new ? kafka_key : entry->kafka_key;
    *ret_is_misplaced |= !transaction->kafka_key.data || kafka_key != entry->kafka_key;
    int64_t count;
    detection->now = velocity;
    if (!window_add(&velocity->pool, &entry->root, number, velocity->rule->within_us, velocity->rule->more_than, &count,
                    note_exceeding, detection))
        return false;
    if (count > velocity->rule->more_than)
        detection_hit(detection, velocity->number, count, number);
    return true;
}

static const void *keep_fields(struct detection *detection, const struct transaction *transaction)
{
    const struct schema *schema = &detection->detector->source->schema;
    const struct value *values = transaction->record->values;
    struct span *span = detection_span(detection, transaction->record->event_time_us,
                                       (struct floor){transaction->offset, detection->clock_us});
    size_t taken;
    void *bytes = span ? span_allocate(span, packed_fields_size(schema, values), &taken) : NULL;
    if (span && !bytes)
        detection_fail(detection, DETECTION_NO_MEMORY);
    if (!bytes || !detection_take_bytes(detection, taken))
        return NULL;
    packed_fields_write(schema, values, bytes);
    return bytes;
}

bool detection_add_to_windows(struct detection *detection, const struct transaction *transaction,
                              bool *ret_is_misplaced)
{
    const void *fields = NULL;
    const struct schema *schema = &detection->detector->source->schema;
    for (size_t i = 0; i < detection->velocity_count; i++) {
        struct velocity *velocity = &detection->velocities[i];
        if (!append_by_values(velocity->rule, schema, transaction->record->values, &detection->key))
            continue;
        if (detection->key.failed)
            return detection_fail(detection, DETECTION_NO_MEMORY);
        if (!fields && !(fields = keep_fields(detection, transaction)))
            return false;
        if (!add_to_rule(detection, velocity, transaction, fields, ret_is_misplaced))
            return false;
    }
    return true;
}

static void forget_key(struct velocity *velocity, uint32_t number)
{
    struct window_key *key = &velocity->keys[number];
    key_table_remove(&velocity->table, key->hash);
    key->next = velocity->free_key;
    velocity->free_key = number;
}

/* All nodes of a span are the first of their trees when it leaves: one cut frees all of a key's. */
void detection_forget_transactions(struct detection *detection, struct velocity *velocity, uint32_t first,
                                   int64_t until_us)
{
    for (uint32_t at = first; at != WINDOW_NONE; at = window_node(&velocity->pool, at)->next) {
        struct window_key *key = &velocity->keys[window_node(&velocity->pool, at)->key];
        if (key->root == WINDOW_NONE)
            continue;
        window_cut(&velocity->pool, &key->root, until_us);
        if (key->root == WINDOW_NONE)
            forget_key(velocity, window_node(&velocity->pool, at)->key);
    }
    while (first != WINDOW_NONE) {
        uint32_t next = window_node(&velocity->pool, first)->next;
        window_give_back(&velocity->pool, first);
        first = next;
        detection->entries--;
    }
}
