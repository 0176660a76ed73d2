/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as the target of a request: an answer or a problem document, and nothing else. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/zone.h"
#include "live.h"
#include "routes.h"
#include "serving_metrics.h"
#include "snapshot.h"
#include "staging.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct field fields[] = {{"category", FIELD_TEXT, 0}, {"shelf", FIELD_INTEGER, 0}};
static struct view view = {.name = "v",
                           .window = {86400},
                           .dimensions = {0, 1},
                           .dimension_count = 2,
                           .retention_s = 400 * 86400,
                           .measures = {{"n", MEASURE_COUNT, FIELD_NONE, 0}, {"s", MEASURE_SUM, 1, 0}},
                           .measure_count = 2,
                           .sums = {1},
                           .sum_count = 1,
                           .fingerprint = "f"};
static struct source source = {.name = "orders",
                               .topic = "orders",
                               .views = &view,
                               .view_count = 1,
                               .schema = {.fields = fields, .field_count = 2, .key = FIELD_NONE}};

/* A source with a few published rows. */
static struct snapshot *make_snapshot(void)
{
    struct error error;
    struct zone *zone;
    struct live live;
    struct staging staging;
    struct publication publication = {.epoch = 1, .published_at_us = 1, .view_fingerprints = {"f"}};
    struct snapshot *snapshot = snapshot_new(&source, 1 << 20);
    bool made = zone_open("Europe/London", &zone, &error);
    view.zone = zone;
    view.schema = &source.schema;
    made = made && snapshot && live_init(&live, &source, &error) && staging_init(&staging, &source, 1 << 20, &error);
    assert(made);
    struct published_rows rows = staging_receiver(&staging);
    struct cell *cell = calloc(1, cell_size(&view));
    cell->count = 3;
    static const char *const groups[] = {"--", "-+1:7", "+0:-", "+3:a&b+2:-5"};
    for (int64_t day = 0; day < 12; day++)
        made = made && rows.row(rows.context, 0, 1767225600 + day * 86400, text_of(groups[day % 4]), cell, &error);
    made = made && snapshot_update(snapshot, &live, &staging, &publication, &error);
    assert(made);
    free(cell);
    staging_clean_up(&staging);
    live_clean_up(&live);
    return snapshot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct snapshot *snapshot;
    static struct metrics *metrics;
    if (!snapshot) {
        snapshot = make_snapshot();
        metrics = metrics_new(serving_metrics, SERVING_METRIC_COUNT);
    }
    const struct serving serving = {&source, 1, &snapshot, metrics};
    char *target = malloc(size + 1);
    memcpy(target, data, size);
    target[size] = '\0';
    struct reply reply = {0};
    const char *name = NULL;
    route(&serving, target, &reply, &name);
    assert(name && reply.status >= 200 && reply.status < 600 && reply.content_type);
    reply_clean_up(&reply);
    free(target);
    return 0;
}
