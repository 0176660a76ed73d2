/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detection_state.h"

#include <stdlib.h>

#define SPANS_OF_REACH 16    /* in which what is out of reach leaves */
#define SPANS_OF_FUTURE 1024 /* the most that event times ahead of the clock make */

struct detection *detection_new(const struct detector *detector, struct detection_budget *budget, int64_t clock_us,
                                uint64_t seed)
{
    struct detection *detection = calloc(1, sizeof *detection);
    struct velocity *velocities = calloc(detector->rule_count + 1, sizeof *velocities);
    if (!detection || !velocities) {
        free(detection);
        free(velocities);
        return NULL;
    }
    *detection = (struct detection){.detector = detector,
                                    .budget = budget,
                                    .seed = seed,
                                    .reach_us = detector_reach_us(detector),
                                    .clock_us = clock_us,
                                    .velocities = velocities,
                                    .known_count = 1};
    int64_t future_us = detector->source->schema.max_future_us / SPANS_OF_FUTURE;
    int64_t length_us = detection->reach_us / SPANS_OF_REACH;
    length_us = length_us > future_us ? length_us : future_us;
    detection->timeline.length_us = length_us > 0 ? length_us : 1;
    for (size_t i = 0; i < detector->rule_count; i++)
        if (rule_is_velocity(&detector->rules[i]))
            velocities[detection->velocity_count++] =
                (struct velocity){.rule = &detector->rules[i], .number = i, .key_count = 1};
    return detection;
}

void detection_destroy(struct detection *detection)
{
    if (!detection)
        return;
    detection_give_back_bytes(detection, detection->bytes);
    for (size_t i = 0; i < detection->velocity_count; i++) {
        window_pool_clean_up(&detection->velocities[i].pool);
        key_table_clean_up(&detection->velocities[i].table);
        free(detection->velocities[i].keys);
    }
    free(detection->velocities);
    timeline_clean_up(&detection->timeline);
    key_table_clean_up(&detection->known_table);
    free(detection->known);
    buffer_clean_up(&detection->key);
    free(detection->exceeding);
    free(detection);
}

static bool forget_out_of_reach(struct detection *detection)
{
    struct span *oldest;
    if (detection->clock_us == CLOCK_NONE)
        return true;
    while ((oldest = timeline_oldest(&detection->timeline, detection_out_of_reach_us(detection)))) {
        int64_t until_us = (oldest->number + 1) * detection->timeline.length_us - 1;
        struct span span = *oldest;
        timeline_drop_oldest(&detection->timeline);
        for (size_t i = 0; i < detection->velocity_count; i++)
            detection_forget_transactions(detection, &detection->velocities[i], span.transactions[i], until_us);
        detection_give_back_bytes(detection, span_free_bytes(&span));
        if (!detection_forget_keys(detection, span.keys, until_us))
            return false;
    }
    return true;
}

/* What can't be alerted any more needs no fields: what is late from now on adds to no window behind it. */
static void forget_fields(struct detection *detection)
{
    int64_t from_us = detection->clock_us - detection->detector->lateness_us;
    if (detection->clock_us == CLOCK_NONE || timeline_number(&detection->timeline, from_us) == detection->fields_from)
        return;
    detection->fields_from = timeline_number(&detection->timeline, from_us);
    for (size_t i = 0; i < detection->timeline.count; i++) {
        struct span *span = &detection->timeline.spans[i];
        if (span->number >= detection->fields_from)
            return;
        detection_give_back_bytes(detection, span_free_bytes(span));
    }
}

static void advance_clock(struct detection *detection, const struct transaction *transaction)
{
    int64_t at_us = transaction->record->event_time_us;
    if (transaction->record_time_us >= 0 && transaction->record_time_us < at_us)
        at_us = transaction->record_time_us;
    if (at_us > detection->clock_us)
        detection->clock_us = at_us;
}

static bool is_late(const struct detection *detection, const struct record *record)
{
    return detection->velocity_count > 0 && detection->clock_us != CLOCK_NONE &&
           record->event_time_us < detection->clock_us - detection->detector->lateness_us;
}

static bool take(struct detection *detection, const struct transaction *transaction, bool judge, on_alert *send,
                 void *context)
{
    bool is_known = false, is_misplaced = false, late = is_late(detection, transaction->record);
    if (detection->detector->source->on_duplicate == ON_DUPLICATE_IGNORE &&
        !detection_note_key(detection, transaction, &is_known))
        return false;
    if (!is_known && !late && !detection_add_to_windows(detection, transaction, &is_misplaced))
        return false;
    if (judge) {
        detection->counts.duplicates += is_known;
        detection->counts.judged += !is_known;
        detection->counts.late += !is_known && late;
        detection->counts.misplaced += is_misplaced;
    }
    if (judge && !is_known && !detection_judge(detection, transaction, send, context))
        return false;
    advance_clock(detection, transaction);
    forget_fields(detection);
    return forget_out_of_reach(detection);
}

enum detection_result detection_take(struct detection *detection, const struct transaction *transaction, bool judge,
                                     on_alert *send, void *context)
{
    detection->result = DETECTION_TAKEN;
    detection->hit_count = detection->exceeding_count = 0;
    if (!take(detection, transaction, judge, send, context) && detection->result == DETECTION_TAKEN)
        detection->result = DETECTION_NO_MEMORY;
    return detection->result;
}

struct floor detection_floor(const struct detection *detection, int64_t position)
{
    return timeline_floor(&detection->timeline, (struct floor){position, detection->clock_us});
}

const struct detection_counts *detection_counts(const struct detection *detection)
{
    return &detection->counts;
}

int64_t detection_clock_us(const struct detection *detection)
{
    return detection->clock_us;
}

int64_t detection_entries(const struct detection *detection)
{
    return detection->entries;
}

size_t detection_bytes(const struct detection *detection)
{
    return detection->bytes;
}
