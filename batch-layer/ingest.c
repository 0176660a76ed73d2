/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/shutdown.h"
#include "chunk.h"
#include "crash.h"
#include "progress.h"
#include "schema.h"

/* The reading of one partition. */
struct ingest {
    struct source_run *run;
    struct partition_state *partition;
    struct chunk *chunk;
    struct progress *progress;
};

static bool store(struct ingest *ingest, int64_t next, struct error *error)
{
    int64_t from = ingest->partition->ingested;
    if (!chunk_store(ingest->chunk, from, next, error))
        return false;
    crash_point("after_ingest_chunk");
    ingest->run->messages += ingest->chunk->stored;
    ingest->partition->ingested = next;
    progress_add(ingest->progress, next - from);
    return true;
}

static bool take(void *context, const struct log_message *message, struct error *error)
{
    struct ingest *ingest = context;
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    if (!chunk_add(ingest->chunk, message, error))
        return false;
    return !chunk_is_full(ingest->chunk, ingest->run->batch->settings->batch.ingest_messages) ||
           store(ingest, message->offset + 1, error);
}

/* Messages that went away before they were ingested are passed over, and noted where an operator finds them. */
static bool note_gap(const struct ingest *ingest, int64_t from, int64_t to, struct error *error)
{
    const char *source = ingest->run->source->name;
    int partition = (int)ingest->partition->number;
    struct buffer sql = {0};
    log_warning("source %s: partition %d: the log no longer holds the messages from offset %" PRId64 " until %" PRId64,
                source, partition, from, to);
    buffer_append_string(&sql, "begin; insert into tidemark.gap (source, partition, from_offset, to_offset) values (");
    buffer_append_literal(&sql, text_of(source));
    buffer_appendf(&sql, ", %d, %" PRId64 ", %" PRId64 "); ", partition, from, to);
    buffer_appendf(&sql,
                   "update tidemark.partition set ingested = greatest(ingested, %" PRId64 ") where source = ", to);
    buffer_append_literal(&sql, text_of(source));
    buffer_appendf(&sql, " and partition = %d; commit", partition);
    bool done = batch_execute(ingest->run->batch, &sql, error);
    buffer_clean_up(&sql);
    return done;
}

/* Ends at the cut, whatever lies between the last message and it. */
static bool read_to_cut(struct ingest *ingest, int64_t *ret_first, struct error *error)
{
    struct partition_state *partition = ingest->partition;
    struct event_log *log = ingest->run->batch->log;
    return log->operations->read(log, ingest->run->source->topic, partition->number, partition->ingested,
                                 partition->cut, ret_first, take, ingest, error) &&
           store(ingest, partition->cut, error);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool skip_lost_head(struct ingest *ingest, struct error *error)
{
    struct partition_state *partition = ingest->partition;
    struct event_log *log = ingest->run->batch->log;
    int64_t first, end;
    if (!log->operations->ends(log, ingest->run->source->topic, partition->number, &first, &end, error))
        return false;
    first = smaller(first, partition->cut);
    if (first <= partition->ingested)
        return true;
    if (!note_gap(ingest, partition->ingested, first, error))
        return false;
    partition->ingested = first;
    return true;
}

static bool ingest_partition(struct ingest *ingest, struct error *error)
{
    struct partition_state *partition = ingest->partition;
    if (partition->ingested >= partition->cut)
        return true;
    if (!skip_lost_head(ingest, error))
        return false;
    int64_t from = partition->ingested, available = from;
    if (from < partition->cut && !read_to_cut(ingest, &available, error))
        return false;
    /* The log may have lost its head just before it was read. */
    return available <= from || note_gap(ingest, from, smaller(available, partition->cut), error);
}

static void append_deletion(struct buffer *sql, const struct source_run *run, const struct partition_state *partition,
                            const char *table)
{
    buffer_appendf(sql, "delete from %s where source = ", table);
    buffer_append_literal(sql, text_of(run->source->name));
    buffer_appendf(sql, " and partition = %d; ", (int)partition->number);
}

/* A new partition gets its row. Where it was ingested but never published, and turns out to begin elsewhere, it is
 * ingested again. */
static bool record_partition(struct source_run *run, struct partition_state *partition, struct error *error)
{
    struct buffer sql = {0};
    buffer_append_string(&sql, "begin; delete from ");
    append_raw_table(&sql, run->source);
    buffer_appendf(&sql, " where tm_partition = %d; ", (int)partition->number);
    append_deletion(&sql, run, partition, "tidemark.bad");
    append_deletion(&sql, run, partition, "tidemark.gap");
    append_deletion(&sql, run, partition, "tidemark.partition");
    buffer_append_string(&sql, "insert into tidemark.partition (source, partition, first_offset, ingested) values (");
    buffer_append_literal(&sql, text_of(run->source->name));
    buffer_appendf(&sql, ", %d, %" PRId64 ", %" PRId64 "); commit", (int)partition->number, partition->first,
                   partition->first);
    bool done = batch_execute(run->batch, &sql, error);
    buffer_clean_up(&sql);
    partition->ingested = partition->first;
    partition->recorded = done;
    return done;
}

static bool ingest_all(struct ingest *ingest, struct error *error)
{
    struct source_run *run = ingest->run;
    for (size_t i = 0; i < run->partition_count; i++) {
        ingest->partition = &run->partitions[i];
        chunk_set_partition(ingest->chunk, ingest->partition->number);
        if ((!ingest->partition->recorded && !record_partition(run, ingest->partition, error)) ||
            !ingest_partition(ingest, error))
            return false;
    }
    return true;
}

static int64_t messages_to_ingest(const struct source_run *run)
{
    int64_t total = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct partition_state *partition = &run->partitions[i];
        int64_t from = partition->recorded ? partition->ingested : partition->first;
        total += partition->cut > from ? partition->cut - from : 0;
    }
    return total;
}

bool ingest_to_cut(struct source_run *run, struct error *error)
{
    struct progress progress;
    struct ingest ingest = {.run = run, .chunk = chunk_new(run->batch, run->source), .progress = &progress};
    if (!ingest.chunk)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    progress_begin(&progress, run->source->name, messages_to_ingest(run));
    bool done = ingest_all(&ingest, error);
    double seconds = progress_end(&progress);
    if (!done)
        connection_roll_back(run->batch->connection);
    else if (run->messages > 0)
        log_info("source %s: %" PRId64 " messages ingested in %.1f s, %.0f/s", run->source->name, run->messages,
                 seconds, (double)run->messages / seconds);
    chunk_destroy(ingest.chunk);
    return done;
}
