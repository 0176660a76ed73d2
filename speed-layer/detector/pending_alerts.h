/* SPDX-License-Identifier: Apache-2.0
 * Alerts that wait to be committed, as the records that they will be. */
#ifndef TIDEMARK_SPEED_PENDING_ALERTS_H
#define TIDEMARK_SPEED_PENDING_ALERTS_H

#include "detect/alert.h"
#include "ports/alert_store.h"

struct pending_alerts {
    struct buffer bytes; /* all zero is none */
    struct pending_alert *alerts;
    struct alert_record *records; /* filled by pending_alerts_records */
    size_t count, capacity;
};

void pending_alerts_clean_up(struct pending_alerts *pending);
void pending_alerts_clear(struct pending_alerts *pending);
/* False where memory is short. */
bool pending_alerts_add(struct pending_alerts *pending, const struct alert *alert, const struct detector *detector,
                        int32_t partition);
/* So many bytes wait that they must be committed now. */
bool pending_alerts_are_full(const struct pending_alerts *pending);
/* All of them, `count` records; valid until the next change. */
const struct alert_record *pending_alerts_records(struct pending_alerts *pending);

#endif
