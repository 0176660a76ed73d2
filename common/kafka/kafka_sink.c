/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/kafka_sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/crash.h"
#include "base/shutdown.h"
#include "kafka/kafka_log.h"
#include "kafka/topics.h"
#include "kafka/transaction_writer.h"
#include "ports/held_rows.h"

#define WRITE_US (30 * US_PER_SECOND)
#define ROW_US 100 /* more for each row, since a first micro-batch may have millions */
#define SHOWN_EVERY_MS 10
#define TIMEOUT_MS "180000" /* of a transaction that nobody goes on with; whoever opens the sink ends it at once */

struct kafka_sink {
    struct sink_store store; /* first, so that one pointer is both */
    const struct kafka_access *access;
    const char *topic;
    size_t bytes_max;
    struct buffer id;      /* transactional */
    struct event_log *log; /* NULL: nobody reads the topic */
    struct transaction_writer *writer;
    bool is_read;          /* `rows` are what the topic has: */
    struct held_rows rows; /* the latest version of each key */
    int64_t first, end;    /* offsets that were read */
    struct buffer statement;
};

static struct kafka_sink *of(struct sink_store *store)
{
    return (struct kafka_sink *)store;
}

static bool lacks_memory(struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "out of memory");
}

static void forget_rows(struct kafka_sink *sink)
{
    held_rows_clean_up(&sink->rows);
    buffer_clear(&sink->statement);
    sink->is_read = false;
}

static bool ensure_log(struct kafka_sink *sink, struct error *error)
{
    return sink->log || kafka_log_open(sink->access, &sink->log, error);
}

/* What was fetched ahead takes megabytes for as long as there is somebody to read it. */
static void close_log(struct kafka_sink *sink)
{
    forget_rows(sink);
    if (sink->log)
        sink->log->operations->destroy(sink->log);
    sink->log = NULL;
}

/* --- the topic --- */

static bool check_topic(struct kafka_sink *sink, struct error *error)
{
    char policy[LOG_POLICY_MAX];
    int32_t partitions;
    const struct event_log_operations *operations = sink->log->operations;
    if (!operations->partition_count(sink->log, sink->topic, &partitions, error) ||
        !operations->policy(sink->log, sink->topic, policy, error))
        return false;
    if (partitions > 1)
        return error_set(error, ERROR_CONFIGURATION,
                         "the topic %s has %d partitions, and rows need one, in which they keep their order: name "
                         "another, which is made where it isn't there",
                         sink->topic, (int)partitions);
    return *policy == '\0' || strcmp(policy, "compact") == 0 ||
           error_set(error, ERROR_CONFIGURATION,
                     "the cleanup.policy of the topic %s is %s, which would remove rows that haven't changed for long: "
                     "set it to compact alone, or name another topic, which is made where it isn't there",
                     sink->topic, policy);
}

/* Whoever wrote before is shut out from here on. */
static bool open_writer(struct kafka_sink *sink, struct error *error)
{
    const struct transaction_names names = {
        .id = buffer_string(&sink->id), .timeout_ms = TIMEOUT_MS, .topic = sink->topic, .records = "rows"};
    transaction_writer_destroy(sink->writer);
    sink->writer = transaction_writer_new(sink->access, &names, error);
    return sink->writer && kafka_topic_ensure_compacted(transaction_writer_client(sink->writer), sink->topic, error) &&
           check_topic(sink, error) && transaction_writer_open(sink->writer, clock_monotonic_us() + WRITE_US, error);
}

/* --- reading --- */

static bool take_header(struct kafka_sink *sink, const struct log_message *message)
{
    struct log_header header;
    buffer_clear(&sink->statement);
    for (size_t i = 0; message->header && message->header(message->origin, i, &header); i++)
        if (strcmp(header.name, KAFKA_SINK_HEADER) == 0)
            buffer_append_text(&sink->statement, header.value);
    return !sink->statement.failed;
}

static bool take_record(void *context, const struct log_message *message, struct error *error)
{
    struct kafka_sink *sink = context;
    if (!held_rows_set(&sink->rows, message->key, row_version_read(message->payload)) || !take_header(sink, message))
        return lacks_memory(error);
    return held_rows_memory(&sink->rows) <= sink->bytes_max ||
           error_set(error, ERROR_CONFIGURATION, "the rows of the topic %s don't fit in http.memory: raise it",
                     sink->topic);
}

static bool read_records(struct kafka_sink *sink,
                         bool (*take)(void *context, const struct log_message *message, struct error *error),
                         void *context, struct error *error)
{
    int64_t available;
    return sink->first == sink->end || sink->log->operations->read(sink->log, sink->topic, 0, sink->first, sink->end,
                                                                   &available, take, context, error);
}

/* The micro-batch that was written last is waited for: it may be committed, and not be shown yet. */
static bool find_end(struct kafka_sink *sink, struct error *error)
{
    const int64_t written = transaction_end(sink->writer), until_us = clock_monotonic_us() + WRITE_US;
    while (sink->log->operations->ends(sink->log, sink->topic, 0, &sink->first, &sink->end, error)) {
        if (sink->end >= written)
            return true;
        if (shutdown_requested())
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
        if (clock_monotonic_us() > until_us)
            return error_set(error, ERROR_UNAVAILABLE,
                             "kafka: %s: readers don't see yet what was written up to offset %lld: a transaction of "
                             "others may be open",
                             sink->topic, (long long)written);
        shutdown_sleep(SHOWN_EVERY_MS);
    }
    return false;
}

/* Up to its end; nobody else can write to it meanwhile. */
static bool read_topic(struct kafka_sink *sink, struct error *error)
{
    forget_rows(sink);
    sink->is_read = ensure_log(sink, error) && find_end(sink, error) && read_records(sink, take_record, sink, error);
    return sink->is_read;
}

/* Who wants to know the keys, which aren't kept: they are read once more. */
struct key_walk {
    struct kafka_sink *sink;
    held_row_take *take;
    void *context;
};

static bool walk_record(void *context, const struct log_message *message, struct error *error)
{
    const struct key_walk *walk = context;
    const struct row_version version = row_version_read(message->payload);
    struct held_row *row = held_rows_find(&walk->sink->rows, message->key);
    bool is_latest =
        row && row->content == version.content && row->revision == version.revision && row->is_gone == version.is_gone;
    if (!is_latest || row->is_seen)
        return true;
    row->is_seen = true;
    return walk->take(walk->context, message->key, version) || (error->code ? false : lacks_memory(error));
}

/* Gives each row of those that were read, and whether it was removed, once. */
static bool walk_rows(struct kafka_sink *sink, held_row_take *take, void *context, struct error *error)
{
    struct key_walk walk = {sink, take, context};
    held_rows_unsee(&sink->rows);
    return read_records(sink, walk_record, &walk, error);
}

static bool open_sink(struct sink_store *store, bool restarts, struct buffer *ret_statement, struct error *error)
{
    struct kafka_sink *sink = of(store);
    if (!ensure_log(sink, error) || !open_writer(sink, error) || !read_topic(sink, error))
        return false;
    if (sink->rows.used > 0 && sink->statement.length == 0 && !restarts)
        return error_set(error, ERROR_CONFIGURATION,
                         "the topic %s has records of others: name another, or take it over with --restart, which "
                         "writes a null for each of their keys",
                         sink->topic);
    buffer_append_text(ret_statement, buffer_text(&sink->statement));
    return true;
}

/* What was read is the caller's then: nothing is known twice. */
static bool load(struct sink_store *store, struct held_rows *rows, struct error *error)
{
    struct kafka_sink *sink = of(store);
    if (!sink->is_read && !read_topic(sink, error))
        return false;
    *rows = sink->rows;
    sink->rows = (struct held_rows){0};
    close_log(sink);
    return true;
}

static bool list(struct sink_store *store, held_row_take *take, void *context, struct error *error)
{
    struct kafka_sink *sink = of(store);
    bool done = (sink->is_read || read_topic(sink, error)) && walk_rows(sink, take, context, error);
    close_log(sink);
    return done;
}

/* The fence sees to it. */
static bool has(struct sink_store *store, struct text statement, bool *ret_has, struct error *error)
{
    (void)store, (void)statement, (void)error;
    *ret_has = true;
    return true;
}

/* --- writing --- */

static bool add_record(struct kafka_sink *sink, const struct micro_batch *batch, const struct sink_row *row,
                       int64_t until_us, struct error *error)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(headers, KAFKA_SINK_HEADER, -1, batch->statement.data, (ssize_t)batch->statement.length);
    const struct transaction_record record = {
        .topic = sink->topic, .key = row->name, .value = row->content, .headers = headers, .size = row->content.length};
    return transaction_add(sink->writer, &record, until_us, error);
}

struct removal {
    struct kafka_sink *sink;
    const struct micro_batch *batch;
    int64_t until_us;
    struct error *error;
};

static bool remove_row(void *context, struct text name, struct row_version version)
{
    const struct removal *removal = context;
    const struct sink_row row = {.name = name, .version = version};
    return add_record(removal->sink, removal->batch, &row, removal->until_us, removal->error);
}

/* A null for each key that the topic has: it is as if it had been empty. */
static bool remove_all(struct kafka_sink *sink, const struct micro_batch *batch, int64_t until_us, struct error *error)
{
    struct removal removal = {sink, batch, until_us, error};
    return walk_rows(sink, remove_row, &removal, error);
}

static bool write_batch(struct sink_store *store, const struct micro_batch *batch, struct error *error)
{
    struct kafka_sink *sink = of(store);
    int64_t until_us = clock_monotonic_us() + WRITE_US + (int64_t)batch->count * ROW_US;
    bool done =
        transaction_begin(sink->writer, error) && (!batch->restarts || remove_all(sink, batch, until_us, error));
    for (size_t i = 0; done && i < batch->count; i++)
        done = add_record(sink, batch, &batch->rows[i], until_us, error);
    crash_point("in_emit");
    done = done && transaction_commit(sink->writer, NULL, NULL, until_us, error);
    if (done)
        close_log(sink);
    return done;
}

static void destroy(struct sink_store *store)
{
    struct kafka_sink *sink = of(store);
    transaction_writer_destroy(sink->writer);
    close_log(sink);
    buffer_clean_up(&sink->statement);
    buffer_clean_up(&sink->id);
    free(sink);
}

bool kafka_sink_open(const struct kafka_access *access, const char *topic, size_t bytes_max,
                     struct sink_store **ret_store, struct error *error)
{
    static const struct sink_store_operations operations = {
        .open = open_sink, .load = load, .list = list, .has = has, .write = write_batch, .destroy = destroy};
    struct kafka_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return lacks_memory(error);
    *sink = (struct kafka_sink){
        .store = {.operations = &operations, .form = ROW_JSON, .needs_rows = true, .is_mended = true},
        .access = access,
        .topic = topic,
        .bytes_max = bytes_max,
    };
    buffer_appendf(&sink->id, "%s-emit-%s", access->group, topic);
    if (sink->id.failed) {
        destroy(&sink->store);
        return lacks_memory(error);
    }
    *ret_store = &sink->store;
    return true;
}
