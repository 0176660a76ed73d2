/* SPDX-License-Identifier: Apache-2.0
 * An alert: a transaction, the rules that one judging of it fulfilled, and where the transactions lie that prove it. */
#ifndef TIDEMARK_DETECT_ALERT_H
#define TIDEMARK_DETECT_ALERT_H

#include "detect/detector.h"

#define EVIDENCE_MAX 100 /* the newest of the counted ones */

struct alert_hit {
    size_t rule;   /* its number */
    int64_t count; /* of a velocity rule: in its window, with the transaction itself; else 1 */
};

#define ALERT_NO_CAUSE (-1)

struct alert {
    int64_t offset;               /* of the transaction */
    int64_t cause;                /* of the later one by which it exceeds; ALERT_NO_CAUSE: alerted as it was read */
    int64_t event_time_us;        /* of the transaction */
    const struct value *values;   /* one a declared field */
    const struct alert_hit *hits; /* in the order of the rules */
    size_t hit_count;
    const int64_t *evidence; /* offsets in the order of (event time, offset); the transaction's is the last */
    size_t evidence_count;
};

/* The JSON message: the declared fields in their order, the event time, `alerts`, `detector`, `alert_id`, `evidence`.
 */
void alert_append_json(const struct alert *alert, const struct detector *detector, int32_t partition,
                       struct buffer *out);

/* Its Kafka key: the first velocity rule's value (of several fields a JSON array), else the source's key. False, with
 * nothing appended, where it has none. */
bool alert_append_key(const struct alert *alert, const struct detector *detector, struct buffer *out);

/* Names of an alert's members that no field may have; NULL-ended. */
extern const char *const alert_members[];

#endif
