/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as the target of a request to a snapshot with rows in it: a known status, JSON that is JSON by independent
 * rules, CSV in which every record has the same fields, and pages that are together what one big answer is. */
#include "base/zone.h"
#include "fuzz.h"
#include "merged/live.h"
#include "order_rules.h"
#include "routes.h"
#include "serving_metrics.h"
#include "merged/snapshot.h"
#include "merged/staging.h"
#include "view_query.h"
#include "view_stream.h"

#define FIRST_S INT64_C(1767225600) /* 2026-01-01T00:00:00Z */
#define EPOCH 1
#define PAGES_MAX 100

enum { DAILY, GROUPED, RECENT, VIEWS };

static const struct field fields[] = {
    {"category", FIELD_TEXT, 0}, {"shelf", FIELD_INTEGER, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = 3, .key = FIELD_NONE, .event_time = "t"};
#define MEASURES                                                                                                       \
    .measures = {{"n", MEASURE_COUNT, FIELD_NONE, 0}, {"s", MEASURE_SUM, 2, 0}, {"m", MEASURE_AVERAGE, 2, 0}},         \
    .measure_count = 3, .sums = {2}, .sum_count = 1, .fingerprint = "f"
static struct view views[VIEWS] = {
    [DAILY] = {.name = "daily", .schema = &schema, .window = {.length_s = 86400}, MEASURES},
    [GROUPED] = {.name = "grouped",
                 .schema = &schema,
                 .window = {.length_s = 3600},
                 .dimensions = {0, 1},
                 .dimension_count = 2,
                 MEASURES},
    [RECENT] = {.name = "recent", .schema = &schema, .window = {.length_s = 60}, .retention_s = 7200, MEASURES},
};
static struct source source = {.name = "orders",
                               .topic = "orders",
                               .views = views,
                               .view_count = VIEWS,
                               .schema = {.fields = fields, .field_count = 3, .key = FIELD_NONE},
                               .fingerprint = "s"};
static const char *const groups[] = {"--",           "-+1:7",  "+0:-",  "+3:a&b+2:-5", "+5:\",\r\n\x01+1:7",
                                     "+2:\xc3\xa9-", "+1:\r-", "+1:\n-"};
#define GROUPS (sizeof groups / sizeof groups[0])

static struct snapshot *snapshot;
static struct metrics *metrics;
static struct stream_hub *hub;
static struct order_rules *rules;

/* --- a snapshot with rows of both parts --- */

static struct cell *make_cell(int64_t number)
{
    static union {
        struct cell cell;
        unsigned char bytes[sizeof(struct cell) + sizeof(struct sum)];
    } made;
    made.cell.count = number % 5;
    made.cell.sums[0].count = number % 3 ? number % 5 : 0;
    made.cell.sums[0].total = made.cell.sums[0].count ? (wide)number * number * 1234567 * (number % 2 ? 1 : -1) : 0;
    return &made.cell;
}

static const char *group_of(size_t view, int64_t number)
{
    return view == GROUPED ? groups[(size_t)number % GROUPS] : "";
}

static int64_t start_of(size_t view, int64_t number)
{
    int64_t step = view == GROUPED ? number / (int64_t)GROUPS : number;
    return window_start(&views[view].window, views[view].zone, FIRST_S + step * views[view].window.length_s);
}

static void publish(struct live *live)
{
    struct staging staging;
    struct error error;
    struct publication publication = {.epoch = EPOCH,
                                      .published_at_us = FIRST_S * 1000000,
                                      .opened_at_us = (FIRST_S + 3 * 86400) * 1000000,
                                      .accepted_partitions = 2,
                                      .view_fingerprints = {"f", "f", "f"}};
    publication.partition_count = 1;
    REQUIRE((publication.partitions = calloc(1, sizeof *publication.partitions)));
    publication.partitions[0] = (struct published_partition){.cut = 10, .clock_us = FIRST_S * 1000000};
    REQUIRE(staging_init(&staging, &source, 1 << 20, &error));
    struct published_rows rows = staging_receiver(&staging);
    for (size_t view = 0; view < VIEWS; view++) {
        rows.clear_view(rows.context, view);
        for (int64_t i = 1; i < 40; i++)
            REQUIRE(rows.row(rows.context, view, start_of(view, i) * 1000000, text_of(group_of(view, i)), make_cell(i),
                             &error));
    }
    REQUIRE(snapshot_update(snapshot, live, &staging, &publication, &error));
    staging_clean_up(&staging);
}

static void fill_slot(struct live *live)
{
    struct error error;
    REQUIRE(live_grow(live, 2, &error));
    struct slot_reader *reader = &live->partitions[0]->reader;
    reader->slot = (struct slot){.exists = true, .epoch = EPOCH + 1, .epoch_count = 1};
    reader->slot.epochs[0] = (struct epoch_start){.epoch = EPOCH + 1, .offset = 10};
    reader->slot.next = 30;
    reader->slot.end = 31;
    reader->slot.partitions = 2;
    reader->slot.clock_us = (FIRST_S + 3600) * 1000000;
    struct epoch_cells *cells = slot_reader_epoch(reader, EPOCH + 1);
    REQUIRE(cells);
    for (size_t view = 0; view < VIEWS; view++)
        for (int64_t i = 30; i < 50; i++) {
            struct cell *cell = panes_at(&cells->panes[view], start_of(view, i) * 1000000, text_of(group_of(view, i)));
            REQUIRE(cell);
            cell_merge(&views[view], cell, make_cell(i));
        }
    live->reachable = true;
}

static void make_snapshot(void)
{
    static const char runs[] = "[{\"epoch\": 1}]";
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct error error;
    struct zone *zone;
    struct live live;
    REQUIRE(zone_open("Europe/London", &zone, &error));
    for (size_t i = 0; i < VIEWS; i++)
        views[i].zone = zone;
    REQUIRE((snapshot = snapshot_new(&source, 1 << 20)) && live_init(&live, &source, &lock, &error));
    fill_slot(&live);
    publish(&live);
    buffer_append_string(&snapshot->runs, runs);
    live_clean_up(&live);
    REQUIRE((metrics = metrics_new(serving_metrics, SERVING_METRIC_COUNT)));
    const struct stream_hub_options options = {
        .metrics = metrics, .push_every_us = 1000, .streams_max = 10, .bytes_max = 1 << 24};
    REQUIRE(stream_hub_new(&options, &hub, &error));
    rules = order_rules_new();
}

/* --- answers --- */

static const char *get_behind(const char *target, const char *last_event_id, struct reply *reply)
{
    const struct serving serving = {
        .sources = &source, .source_count = 1, .snapshots = &snapshot, .metrics = metrics, .hub = hub};
    const char *name = NULL;
    *reply = (struct reply){0};
    route(&serving, &(struct request_head){.target = target, .last_event_id = last_event_id}, reply, &name);
    REQUIRE(name && reply->content_type);
    return reply->constant ? reply->constant : buffer_string(&reply->body);
}

static const char *get(const char *target, struct reply *reply)
{
    return get_behind(target, NULL, reply);
}

/* The number of fields of the record at the front, and what follows it; 0 where it is no record of CSV (RFC 4180). */
static size_t take_record(const char **at)
{
    for (size_t count = 1;; count++) {
        if (**at == '"') {
            for (++*at; **at && (**at != '"' || (*at)[1] == '"'); ++*at)
                *at += **at == '"';
            if (*(*at)++ != '"')
                return 0;
        } else {
            *at += strcspn(*at, "\",\r\n");
        }
        if (strncmp(*at, "\r\n", 2) == 0) {
            *at += 2;
            return count;
        }
        if (*(*at)++ != ',')
            return 0;
    }
}

static void check_csv(const char *body)
{
    size_t fields_of_header = take_record(&body);
    REQUIRE(fields_of_header > 1);
    while (*body)
        REQUIRE(take_record(&body) == fields_of_header);
}

static void check_lines(const char *body)
{
    while (*body) {
        size_t length = strcspn(body, "\n");
        REQUIRE(body[length] == '\n' && body[0] == '{' && order_rules_is_json(rules, body, length));
        body += length + 1;
    }
}

static void check_headers(const struct reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        const struct buffer *value = &reply->headers[i].value;
        REQUIRE(value->length > 0 && strcspn(value->data, "\r\n") == value->length);
        if (strcmp(reply->headers[i].name, "Tidemark-Provenance") == 0)
            REQUIRE(order_rules_is_json(rules, value->data, value->length));
    }
}

static void check_reply(const struct reply *reply, const char *body)
{
    static const unsigned statuses[] = {200, 400, 404, 414, 422, 503};
    bool known = false;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        known |= reply->status == statuses[i];
    REQUIRE(known);
    check_headers(reply);
    bool problem = strcmp(reply->content_type, "application/problem+json") == 0;
    REQUIRE(problem ? reply->status != 200 : reply->status == 200 || reply->status == 503);
    if (strstr(reply->content_type, "json") && !strstr(reply->content_type, "ndjson"))
        REQUIRE(order_rules_is_json(rules, body, strlen(body)));
    else if (strstr(reply->content_type, "ndjson"))
        check_lines(body);
    else if (strncmp(reply->content_type, "text/csv", 8) == 0)
        check_csv(body);
}

/* --- streams --- */

/* The first event, which is all of the selection: its data is JSON, and nothing in it ends a line but its own fields.
 */
static void check_stream(const struct reply *reply)
{
    static const char before[] = "\ndata: ";
    struct stream_piece *piece;
    if (!reply->stream.context)
        return;
    REQUIRE(reply->stream.next(reply->stream.context, &piece) == STREAM_PIECE);
    const char *data = memmem(piece->bytes, piece->length, before, sizeof before - 1);
    REQUIRE(strncmp(piece->bytes, "retry: ", 7) == 0 && data);
    data += sizeof before - 1;
    size_t length = (size_t)(piece->bytes + piece->length - data) - 2;
    REQUIRE(memcmp(data + length, "\n\n", 2) == 0 && !memchr(data, '\n', length) && !memchr(data, '\r', length));
    REQUIRE(order_rules_is_json(rules, data, length));
    stream_piece_release(piece);
}

/* --- pages --- */

static void append_escaped(struct buffer *out, const char *text)
{
    for (; *text; text++)
        buffer_appendf(out, "%%%02X", (unsigned)(unsigned char)*text);
}

/* The target anew with all its parameters but these two; the first parameter is still to come. */
static void write_target(struct buffer *out, const struct target *target)
{
    buffer_clear(out);
    for (size_t i = 0; i < target->segment_count; i++) {
        buffer_append_char(out, '/');
        append_escaped(out, target->segments[i]);
    }
    buffer_append_char(out, '?');
    for (size_t i = 0; i < target->parameter_count; i++) {
        const struct parameter *parameter = &target->parameters[i];
        if (strcmp(parameter->name, "cursor") == 0 || strcmp(parameter->name, "limit") == 0)
            continue;
        append_escaped(out, parameter->name);
        buffer_append_char(out, '=');
        append_escaped(out, parameter->value);
        buffer_append_char(out, '&');
    }
}

/* The rows of a JSON answer, and the cursor of the next page ("" where there is none). */
static struct text rows_of(const char *body, char ret_next[4096])
{
    static const char before[] = "\"rows\": [", behind[] = "], \"next\": ";
    const char *rows = strstr(body, before), *end = rows ? strstr(rows, behind) : NULL;
    REQUIRE(end);
    rows += sizeof before - 1;
    ret_next[0] = '\0';
    (void)sscanf(end + sizeof behind - 1, "\"%4095[^\"]\"", ret_next);
    return (struct text){rows, (size_t)(end - rows)};
}

static void append_page(struct buffer *all, struct text rows)
{
    if (all->length && rows.length)
        buffer_append_string(all, ",\n");
    buffer_append_text(all, rows);
}

/* Follows the pages of `limit` rows from this cursor on, and puts their rows together. */
static void follow(const struct target *target, const char *cursor, size_t limit, struct buffer *all)
{
    struct buffer asked = {0};
    char next[4096] = "";
    (void)snprintf(next, sizeof next, "%s", cursor ? cursor : "");
    bool first = true;
    for (int pages = 0; first || next[0]; pages++, first = false) {
        struct reply reply;
        REQUIRE(pages < PAGES_MAX);
        write_target(&asked, target);
        buffer_appendf(&asked, "limit=%zu", limit);
        if (!first || cursor)
            buffer_appendf(&asked, "&cursor=%s", next);
        const char *body = get(buffer_string(&asked), &reply);
        REQUIRE(reply.status == 200);
        append_page(all, rows_of(body, next));
        reply_clean_up(&reply);
    }
    buffer_clean_up(&asked);
}

/* What the small pages say is what one answer says; only for the JSON of a view. */
static void check_pages(const char *raw)
{
    struct arena arena = {0};
    struct target target;
    struct problem problem;
    REQUIRE(target_parse(raw, &arena, &target, &problem));
    const char *format = target_parameter(&target, "format"), *limit = target_parameter(&target, "limit");
    if (target.segment_count == 3 && limit && (!format || strcmp(format, "json") == 0)) {
        struct buffer pages = {0}, whole = {0};
        const char *cursor = target_parameter(&target, "cursor");
        follow(&target, cursor, (size_t)atoi(limit), &pages);
        follow(&target, cursor, LIMIT_MAX, &whole);
        REQUIRE(text_equal(buffer_text(&pages), buffer_text(&whole)));
        buffer_clean_up(&pages);
        buffer_clean_up(&whole);
    }
    arena_clean_up(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!snapshot)
        make_snapshot();
    char *target = calloc(size + 1, 1);
    REQUIRE(target);
    memcpy(target, data, size);
    struct reply reply;
    const char *body = get(target, &reply);
    check_reply(&reply, body);
    if (reply.status == 200)
        check_pages(target);
    check_stream(&reply);
    reply_clean_up(&reply);
    (void)get_behind("/v1/views/grouped/stream", target, &reply); /* no id that makes no sense is believed */
    REQUIRE(reply.status == 200);
    check_stream(&reply);
    reply_clean_up(&reply);
    view_channels_sweep(hub, INT64_MAX);
    free(target);
    return 0;
}
