/* SPDX-License-Identifier: Apache-2.0
 * Writes micro-batches of a few rows to a sink, and says what it holds. */
#ifndef TIDEMARK_TESTS_SINK_WRITING_H
#define TIDEMARK_TESTS_SINK_WRITING_H

#include "cmocka_test.h"

#include "ports/sink_store.h"

#define WRITTEN_MAX 8

/* Two emitters of one sink; a test opens them. */
static struct sink_store *sink, *other;

static inline int destroy_sinks(void **state)
{
    (void)state;
    sink->operations->destroy(sink);
    other->operations->destroy(other);
    return 0;
}

struct row_texts {
    const char *name, *content; /* content NULL: it has vanished */
};

/* Rows in JSON. */
__attribute__((unused)) static const struct row_texts json_rows[] = {{"a", "{\"n\": 1}"}, {"b", "{\"n\": 1}"}, {0}};

/* The rows end with one without a name. */
static inline bool sink_write(struct sink_store *store, const char *before, const char *statement,
                              const struct row_texts written[], bool restarts, struct error *error)
{
    struct sink_row rows[WRITTEN_MAX] = {0};
    struct micro_batch batch = {
        .number = 1, .before = text_of(before), .statement = text_of(statement), .rows = rows, .restarts = restarts};
    for (; written[batch.count].name; batch.count++) {
        rows[batch.count].name = text_of(written[batch.count].name);
        if (written[batch.count].content)
            rows[batch.count].content = text_of(written[batch.count].content);
    }
    *error = (struct error){0};
    return store->operations->write(store, &batch, error);
}

static inline void assert_sink_writes(struct sink_store *store, const char *before, const char *statement,
                                      const struct row_texts written[])
{
    struct error error;
    if (!sink_write(store, before, statement, written, false, &error))
        fail_msg("%s", error.message);
}

static inline void assert_sink_refuses(struct sink_store *store, const char *before, const struct row_texts written[],
                                       enum error_code code, const char *word)
{
    struct error error;
    assert_false(sink_write(store, before, "{\"never\": 1}", written, false, &error));
    if (error.code != code || !strstr(error.message, word))
        fail_msg("not \"%s\": %d, %s", word, (int)error.code, error.message);
}

static inline void assert_sink_opens(struct sink_store *store, bool restarts, const char *statement)
{
    struct buffer stated = {0};
    struct error error = {0};
    if (!store->operations->open(store, restarts, &stated, &error))
        fail_msg("%s", error.message);
    assert_string_equal(buffer_string(&stated), statement);
    buffer_clean_up(&stated);
}

static inline void assert_sink_opens_not(struct sink_store *store, enum error_code code, const char *word)
{
    struct buffer stated = {0};
    struct error error = {0};
    assert_false(store->operations->open(store, false, &stated, &error));
    if (error.code != code || !strstr(error.message, word))
        fail_msg("not \"%s\": %d, %s", word, (int)error.code, error.message);
    buffer_clean_up(&stated);
}

static inline bool append_held(void *context, struct text name, struct row_version version)
{
    buffer_appendf(context, "%.*s %u%s, ", (int)name.length, name.data, version.revision,
                   version.is_gone ? " gone" : "");
    return true;
}

/* Each row's name and revision, in the order in which the sink gives them. */
static inline void assert_sink_holds(struct sink_store *store, const char *expected)
{
    struct buffer held = {0};
    struct error error = {0};
    if (!store->operations->list(store, append_held, &held, &error))
        fail_msg("%s", error.message);
    assert_string_equal(buffer_string(&held), expected);
    buffer_clean_up(&held);
}

#endif
