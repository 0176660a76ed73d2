/* SPDX-License-Identifier: Apache-2.0
 * A detector: rules that judge each transaction of a source, and what is alerted when one of them is fulfilled.
 *
 * PURE, as all of common/detect: no clock, no I/O, no globals. What a detector alerts is a function of the log from an
 * offset (the floor) and of the partition's clock before it. */
#ifndef TIDEMARK_DETECT_DETECTOR_H
#define TIDEMARK_DETECT_DETECTOR_H

#include "detect/rule_message.h"
#include "view/view.h"

#define DETECTORS_MAX 16
#define RULES_MAX 16
#define BY_FIELDS_MAX 4
#define MORE_THAN_MAX INT64_C(1000000000)

struct rule {
    /* Either an expression, or NULL for a velocity rule: more than `more_than` transactions with the same values of the
     * `by` fields in a sliding window of `within_us` of event time. */
    const struct expression *when;
    size_t by[BY_FIELDS_MAX];
    size_t by_count;
    int64_t more_than, within_us;
    const struct rule_message *message;
};

struct detector {
    const char *name;
    const struct source *source; /* on_duplicate: none or ignore */
    const char *alerts;          /* topic */
    bool from_beginning;         /* where a first start begins; else at the end */
    int64_t lateness_us;         /* how far behind its partition's clock a transaction may come */
    int64_t memory_bytes;        /* ceiling of the state in a process */
    const struct rule *rules;
    size_t rule_count;
    char fingerprint[FINGERPRINT_SIZE]; /* hex; changes where what is alerted changes, but for texts */
};

static inline bool rule_is_velocity(const struct rule *rule)
{
    return !rule->when;
}

/* How far behind the clock a transaction may lie and still matter: lateness and the longest `within`. */
int64_t detector_reach_us(const struct detector *detector);

/* Writes the name of its consumer group, "<group>-<detector>". */
#define DETECTOR_GROUP_SIZE 300
void detector_group(const struct detector *detector, const char *group, char ret_group[DETECTOR_GROUP_SIZE]);

/* The first velocity rule, which gives an alert its key; NULL where there is none. */
const struct rule *detector_first_velocity(const struct detector *detector);

/* Fills detector->fingerprint; false where memory is short. */
bool detector_fingerprint(struct detector *detector) MUST_CHECK;

#endif
