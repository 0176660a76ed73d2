/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detection_state.h"

#include <stdlib.h>

#include "detect/packed_fields.h"

struct sort_key {
    int64_t event_time_us, offset;
};

struct evidence {
    struct sort_key keys[EVIDENCE_MAX * (RULES_MAX + 1)];
    size_t count, of_rule;
};

static bool take_evidence(void *context, const struct window_node *node)
{
    struct evidence *evidence = context;
    evidence->keys[evidence->count++] = (struct sort_key){node->event_time_us, node->offset};
    return ++evidence->of_rule < EVIDENCE_MAX;
}

static int compare_keys(const void *left, const void *right)
{
    const struct sort_key *a = left, *b = right;
    if (a->event_time_us != b->event_time_us)
        return a->event_time_us < b->event_time_us ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static void gather(const struct detection *detection, size_t rule, uint32_t node, struct evidence *evidence)
{
    for (size_t i = 0; i < detection->velocity_count; i++) {
        struct velocity *velocity = &detection->velocities[i];
        if (velocity->number != rule)
            continue;
        evidence->of_rule = 0;
        window_walk(&velocity->pool, velocity->keys[window_node(&velocity->pool, node)->key].root, node,
                    velocity->rule->within_us, take_evidence, evidence);
    }
}

/* The offsets of what the hits counted, each once, the newest of them. */
static size_t evidence_offsets(const struct detection *detection, struct sort_key self,
                               int64_t ret_offsets[EVIDENCE_MAX])
{
    struct evidence evidence = {.keys = {self}, .count = 1};
    size_t different = 0, kept;
    for (size_t i = 0; i < detection->hit_count; i++)
        if (detection->nodes[i] != WINDOW_NONE)
            gather(detection, detection->hits[i].rule, detection->nodes[i], &evidence);
    qsort(evidence.keys, evidence.count, sizeof *evidence.keys, compare_keys);
    for (size_t i = 0; i < evidence.count; i++)
        if (i == 0 || compare_keys(&evidence.keys[i], &evidence.keys[different - 1]) != 0)
            evidence.keys[different++] = evidence.keys[i];
    kept = different < EVIDENCE_MAX ? different : EVIDENCE_MAX;
    for (size_t i = 0; i < kept; i++)
        ret_offsets[i] = evidence.keys[different - kept + i].offset;
    return kept;
}

/* Where somebody listens; clears the hits. */
static bool send_alert(struct detection *detection, struct alert alert, on_alert *send, void *context)
{
    int64_t offsets[EVIDENCE_MAX];
    alert.hits = detection->hits;
    alert.hit_count = detection->hit_count;
    alert.evidence = offsets;
    alert.evidence_count = evidence_offsets(detection, (struct sort_key){alert.event_time_us, alert.offset}, offsets);
    for (size_t i = 0; i < alert.hit_count; i++)
        detection->counts.alerts[alert.hits[i].rule]++;
    detection->hit_count = 0;
    return send(context, &alert) || detection_fail(detection, DETECTION_NO_MEMORY);
}

static int compare_exceeding(const void *left, const void *right)
{
    const struct exceeding *a = left, *b = right;
    int order =
        compare_keys(&(struct sort_key){a->event_time_us, a->offset}, &(struct sort_key){b->event_time_us, b->offset});
    return order ? order : (a->velocity->number > b->velocity->number) - (a->velocity->number < b->velocity->number);
}

static bool alert_exceeding(struct detection *detection, int64_t cause, on_alert *send, void *context)
{
    struct value values[FIELDS_MAX];
    size_t count = detection->exceeding_count;
    if (count > 1)
        qsort(detection->exceeding, count, sizeof *detection->exceeding, compare_exceeding);
    for (size_t i = 0; i < count;) {
        const struct exceeding first = detection->exceeding[i];
        for (; i < count && detection->exceeding[i].offset == first.offset; i++) {
            const struct exceeding *one = &detection->exceeding[i];
            detection_hit(detection, one->velocity->number, one->velocity->rule->more_than + 1, one->node);
        }
        packed_fields_read(&detection->detector->source->schema, first.fields, values);
        const struct alert alert = {
            .offset = first.offset, .cause = cause, .event_time_us = first.event_time_us, .values = values};
        if (!send_alert(detection, alert, send, context))
            return false;
    }
    return true;
}

/* The rules that aren't velocity rules, and all in their order. */
static void add_expressions(struct detection *detection, const struct record *record)
{
    const struct detector *detector = detection->detector;
    struct alert_hit hits[RULES_MAX];
    uint32_t nodes[RULES_MAX];
    size_t velocity = 0, count = 0;
    for (size_t i = 0; i < detector->rule_count; i++) {
        if (velocity < detection->hit_count && detection->hits[velocity].rule == i) {
            hits[count] = detection->hits[velocity];
            nodes[count++] = detection->nodes[velocity++];
        } else if (!rule_is_velocity(&detector->rules[i]) &&
                   expression_evaluate(detector->rules[i].when, record->values) == TRUTH_TRUE) {
            hits[count] = (struct alert_hit){i, 1};
            nodes[count++] = WINDOW_NONE;
        }
    }
    memcpy(detection->hits, hits, count * sizeof *hits);
    memcpy(detection->nodes, nodes, count * sizeof *nodes);
    detection->hit_count = count;
}

bool detection_judge(struct detection *detection, const struct transaction *transaction, on_alert *send, void *context)
{
    add_expressions(detection, transaction->record);
    const struct alert alert = {.offset = transaction->offset,
                                .cause = ALERT_NO_CAUSE,
                                .event_time_us = transaction->record->event_time_us,
                                .values = transaction->record->values};
    if (detection->hit_count > 0 && !send_alert(detection, alert, send, context))
        return false;
    return detection->exceeding_count == 0 || alert_exceeding(detection, transaction->offset, send, context);
}
