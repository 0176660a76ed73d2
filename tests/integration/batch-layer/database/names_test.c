/* SPDX-License-Identifier: Apache-2.0
 * Whatever name passes the check of the configuration, PostgreSQL takes it: no run ends with an internal error. */
#include "batch_fixture.h"

/* Words of SQL, system columns and what looks like them, names that the statements use themselves, names whose tables'
 * types and indexes are near each other, and the longest ones. */
static const char *const odd_names[] = {
    "ctid",
    "CTID",
    "xmin",
    "Xmax",
    "cmin",
    "cmax",
    "tableoid",
    "oid",
    "tm_count",
    "TM_count",
    "tm_n_0",
    "tm",
    "select",
    "from",
    "to",
    "order",
    "group",
    "user",
    "table",
    "all",
    "null",
    "true",
    "offset",
    "limit",
    "partition",
    "window",
    "row",
    "value",
    "values",
    "timestamp",
    "date",
    "interval",
    "numeric",
    "text",
    "end",
    "case",
    "when",
    "lateral",
    "using",
    "default",
    "analyze",
    "current_user",
    "session_user",
    "o",
    "c",
    "r",
    "n",
    "v",
    "w",
    "p",
    "e",
    "f",
    "t",
    "versions",
    "groups",
    "inserted",
    "deleted",
    "from_us",
    "to_us",
    "_",
    "__",
    "_a",
    "A",
    "orders",
    "new_orders",
    "orders_key",
    "key",
    "excluded",
    "known",
    "written",
    "unnest",
    "column",
    "public",
    "pg_toast",
    "pg_temp",
    "unique",
    "final",
    "window_start",
    "daily-total",
    "count",
    "epoch",
    "raw-orders",
    "information",
    "public_id",
    "a12345678901234567890123456789012345678",                          /* 39 bytes */
    "a123456789012345678901234567890123456789",                         /* 40 */
    "b1234567890123456789012345678901234567890",                        /* 41 */
    "a12345678901234567890123456789012345678901234567",                 /* 48 */
    "b123456789012345678901234567890123456789012345678901234567890123", /* 64 */
};

static const char *const tables[] = {
    "a",        "a_key",      "a_event",     "a_pkey",          "current_a", "_a",
    "__a",      "new_a",      "A",           "a_tm_window_idx", "new_new_a", "new_a_tm_window_idx",
    "tm_added", "tm_removed", "tm_repeated", "tm_minutes",      "bad"};

/* Writes and loads the file; false where it is refused, which is no internal error. */
static bool accepts(struct world *world, const struct buffer *text)
{
    char path[100];
    struct error error = {0};
    snprintf(path, sizeof path, "%s/tidemark.yaml", server.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "postgres: { url: \"host=%s user=tidemark dbname=test%d\" }\n%s", server.folder, databases,
            buffer_string(text));
    fclose(file);
    settings_destroy(world->settings);
    world->settings = NULL;
    if (!settings_load(path, &world->settings, &error)) {
        assert_int_equal(error.code, ERROR_CONFIGURATION);
        return false;
    }
    world->batch.settings = world->settings;
    return true;
}

/* Publishes what the log holds by now, with slots of the source's own that begin at the cut before. */
static void publish_epoch(struct world *world, size_t number, int64_t epoch, int64_t cut)
{
    world->source = &world->settings->sources[number];
    shared_slots_init(world->realtime);
    shared_slots_begin(world->realtime, 0, 0, epoch, cut);
    follow(world);
    run_ok(world);
    verify_ok(world);
}

static void append_field(struct buffer *text, const char *name, const char *type)
{
    buffer_appendf(text, "      \"%s\": %s\n", name, type);
}

static void append_source(struct buffer *text, const char *name)
{
    buffer_appendf(text, "  \"%s\":\n    topic: \"kafka://%s\"\n    key: order_id\n    event_time: at\n    fields:\n",
                   name, name);
    append_field(text, "order_id", "text");
}

static void append_message(struct world *world)
{
    memory_log_append(
        &world->log, 0,
        "{\"order_id\": \"a\", \"at\": \"2026-01-01T12:00:00Z\", \"amount\": 1.00, \"\": \"caf\xc3\xa9 %\"}", -1);
}

/* As a field and dimension, or as a measure: whether the file is accepted with it. */
static bool accepts_column(struct world *world, const char *name, bool is_measure)
{
    struct buffer text = {0};
    buffer_append_string(&text, "sources:\n");
    append_source(&text, "orders");
    if (!is_measure)
        append_field(&text, name, "text");
    buffer_append_string(&text, "views:\n  v:\n    source: orders\n    window: tumbling 1 day\n");
    if (!is_measure)
        buffer_appendf(&text, "    dimensions: [\"%s\"]\n", name);
    buffer_appendf(&text, "    measures: { \"%s\": count }\n", is_measure ? name : "how_many");
    bool accepted = accepts(world, &text);
    buffer_clean_up(&text);
    return accepted;
}

static void append_view_begin(struct buffer *text, size_t number)
{
    buffer_appendf(text, "  v%zu:\n    source: orders\n    window: tumbling 1 day\n", number);
}

#define COLUMNS_A_VIEW 8

/* Views of these names, so many each, as dimensions or as measures. */
static void append_views(struct buffer *text, const char *const names[], size_t count, bool are_measures)
{
    for (size_t i = 0; i < count; i++) {
        bool is_first = i % COLUMNS_A_VIEW == 0, is_last = i % COLUMNS_A_VIEW == COLUMNS_A_VIEW - 1 || i == count - 1;
        if (is_first)
            append_view_begin(text, i / COLUMNS_A_VIEW);
        if (is_first)
            buffer_append_string(text, are_measures ? "    measures: { " : "    dimensions: [");
        buffer_appendf(text, are_measures ? "\"%s\": avg(amount)" : "\"%s\"", names[i]);
        buffer_append_string(text, !is_last ? ", " : are_measures ? " }\n" : "]\n    measures: { how_many: count }\n");
    }
}

static void try_columns(const char *const names[], size_t count, bool are_measures)
{
    struct world world;
    struct buffer text = {0};
    make_world(&world, 1);
    buffer_append_string(&text, "sources:\n");
    append_source(&text, "orders");
    append_field(&text, "amount", "decimal(2)");
    for (size_t i = 0; !are_measures && i < count; i++)
        append_field(&text, names[i], "text");
    buffer_append_string(&text, "views:\n");
    append_views(&text, names, count, are_measures);
    if (!accepts(&world, &text))
        fail_msg("%s", buffer_string(&text));
    for (int64_t epoch = 0; epoch < 2; epoch++) {
        append_message(&world);
        publish_epoch(&world, 0, epoch + 1, epoch);
    }
    buffer_clean_up(&text);
    end_world(&world);
}

static void try_accepted_columns(bool are_measures)
{
    struct world world;
    const char *names[FIELDS_MAX];
    size_t count = 0, tried = 0;
    make_world(&world, 1);
    for (size_t i = 0; i < COUNT_OF(odd_names); i++) {
        if (accepts_column(&world, odd_names[i], are_measures))
            names[count++] = odd_names[i];
        if (count < 32 && i < COUNT_OF(odd_names) - 1)
            continue;
        try_columns(names, count, are_measures);
        tried += count;
        count = 0;
    }
    assert_true(tried > 60 && tried < COUNT_OF(odd_names));
    end_world(&world);
}

static void names_that_are_accepted_can_be_fields_and_dimensions(void **state)
{
    (void)state;
    try_accepted_columns(false);
}

static void names_that_are_accepted_can_be_measures(void **state)
{
    (void)state;
    try_accepted_columns(true);
}

static void names_that_are_accepted_can_be_tables(void **state)
{
    (void)state;
    struct world world;
    struct buffer text = {0};
    make_world(&world, 1);
    buffer_append_string(&text, "sources:\n");
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        append_source(&text, tables[i]);
    buffer_append_string(&text, "views:\n");
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        buffer_appendf(&text,
                       "  \"%s\": { source: \"%s\", window: tumbling 1 day, measures: { n: count } }\n"
                       "  \"%s_\": { source: \"%s\", window: tumbling 1 day, measures: { n: count } }\n",
                       tables[i], tables[i], tables[i], tables[(i + 1) % COUNT_OF(tables)]);
    if (!accepts(&world, &text))
        fail_msg("%s", buffer_string(&text));
    append_message(&world);
    for (size_t i = 0; i < world.settings->source_count; i++)
        publish_epoch(&world, i, 1, 0);
    buffer_clean_up(&text);
    end_world(&world);
}

int main(void)
{
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_accepted_can_be_fields_and_dimensions),
        cmocka_unit_test(names_that_are_accepted_can_be_measures),
        cmocka_unit_test(names_that_are_accepted_can_be_tables),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
