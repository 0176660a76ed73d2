/* SPDX-License-Identifier: Apache-2.0 */
#include "detector/pending_alerts.h"

#include <stdlib.h>

#define BYTES_MAX ((size_t)4 << 20)

struct pending_alert {
    size_t key, json, end; /* where they begin in the bytes */
    bool has_key;
};

void pending_alerts_clean_up(struct pending_alerts *pending)
{
    buffer_clean_up(&pending->bytes);
    free(pending->alerts);
    free(pending->records);
    *pending = (struct pending_alerts){0};
}

void pending_alerts_clear(struct pending_alerts *pending)
{
    buffer_clear(&pending->bytes);
    pending->count = 0;
}

static bool reserve(struct pending_alerts *pending)
{
    if (pending->count < pending->capacity)
        return true;
    size_t capacity = pending->capacity ? 2 * pending->capacity : 64;
    struct pending_alert *alerts = realloc(pending->alerts, capacity * sizeof *alerts);
    if (alerts)
        pending->alerts = alerts;
    struct alert_record *records = alerts ? realloc(pending->records, capacity * sizeof *records) : NULL;
    if (!records)
        return false;
    pending->records = records;
    pending->capacity = capacity;
    return true;
}

bool pending_alerts_add(struct pending_alerts *pending, const struct alert *alert, const struct detector *detector,
                        int32_t partition)
{
    if (!reserve(pending))
        return false;
    struct pending_alert one = {.key = pending->bytes.length};
    one.has_key = alert_append_key(alert, detector, &pending->bytes);
    one.json = pending->bytes.length;
    alert_append_json(alert, detector, partition, &pending->bytes);
    one.end = pending->bytes.length;
    pending->alerts[pending->count++] = one;
    return !pending->bytes.failed;
}

bool pending_alerts_are_full(const struct pending_alerts *pending)
{
    return pending->bytes.length > BYTES_MAX;
}

const struct alert_record *pending_alerts_records(struct pending_alerts *pending)
{
    const char *bytes = buffer_string(&pending->bytes);
    for (size_t i = 0; i < pending->count; i++) {
        const struct pending_alert *one = &pending->alerts[i];
        pending->records[i] = (struct alert_record){
            .key = {one->has_key ? bytes + one->key : NULL, one->json - one->key},
            .json = {bytes + one->json, one->end - one->json},
        };
    }
    return pending->records;
}
