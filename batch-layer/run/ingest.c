/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ingest.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "master/master.h"
#include "record/bad_notice.h"
#include "run/progress.h"

/* The reading of one partition. */
struct ingest {
    struct source_run *run;
    const struct master_operations *master;
    struct run_partition *partition;
    struct decoder *decoder;
    struct ingest_chunk *chunk;
    struct progress *progress;
    struct bad_notice bad; /* what is said of the partition's bad messages */
    struct ingested_tail tail;
};

static bool store(struct ingest *ingest, int64_t next, struct error *error)
{
    int64_t from = ingest->partition->ingested, messages;
    if (!ingest->master->chunk_store(ingest->chunk, ingest->partition->number, from, next, &messages, error))
        return false;
    crash_point("after_ingest_chunk");
    ingest->run->messages += messages;
    ingest->partition->ingested = next;
    ingest->partition->held += messages;
    progress_add(ingest->progress, next - from);
    return true;
}

static bool add(struct ingest *ingest, const struct log_message *message, struct error *error)
{
    struct record record;
    struct rejection rejection;
    bool good;
    bool done = decoder_classify(ingest->decoder, message->payload, message->record_time_us, &good, &record, &rejection,
                                 error) &&
                ingest->master->chunk_add(ingest->chunk, ingest->partition->number, message, good ? &record : NULL,
                                          &rejection, error);
    if (done && !good)
        bad_notice_add(&ingest->bad, &rejection, message->offset);
    decoder_reset(ingest->decoder);
    return done;
}

/* Another message at the offset of the last one that was ingested is another topic under the same name. */
static bool check_tail(const struct ingest *ingest, const struct log_message *message, struct error *error)
{
    const struct ingested_tail *tail = &ingest->tail;
    if (message->offset != tail->offset || log_message_is_tail(message, tail->record_time_us, tail->hash))
        return true;
    return error_set(error, ERROR_CONFIGURATION,
                     "source %s: partition %d: the message at offset %" PRId64
                     " isn't the one that was ingested: the topic was made anew; give the source another name to begin "
                     "anew",
                     ingest->run->source->name, (int)ingest->partition->number, message->offset);
}

static bool take(void *context, const struct log_message *message, struct error *error)
{
    struct ingest *ingest = context;
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    if (message->offset < ingest->partition->ingested)
        return check_tail(ingest, message, error);
    if (!add(ingest, message, error))
        return false;
    return !ingest->master->chunk_is_full(ingest->chunk, ingest->run->batch->settings->batch.ingest_messages) ||
           store(ingest, message->offset + 1, error);
}

/* Messages that went away before they were ingested are passed over, and noted where an operator finds them. */
static bool pass_gap(struct ingest *ingest, int64_t to, struct error *error)
{
    struct run_partition *partition = ingest->partition;
    log_warning("source %s: partition %d: the log no longer holds the messages from offset %" PRId64 " until %" PRId64,
                ingest->run->source->name, (int)partition->number, partition->ingested, to);
    if (!ingest->master->note_gap(ingest->run, partition, partition->ingested, to, error))
        return false;
    crash_point("after_gap");
    partition->ingested = to;
    return true;
}

/* A log that ends before what was ingested of it is another one, too. */
static bool find_tail(struct ingest *ingest, struct error *error)
{
    const struct run_partition *partition = ingest->partition;
    struct event_log *log = ingest->run->batch->log;
    int64_t first, end;
    if (!log->operations->ends(log, ingest->run->source->topic, partition->number, &first, &end, error))
        return false;
    if (end < partition->ingested)
        return error_set(error, ERROR_CONFIGURATION,
                         "source %s: partition %d was ingested up to offset %" PRId64 ", and the log ends at %" PRId64
                         ": the topic was made anew or lost its tail; give the source another name to begin anew",
                         ingest->run->source->name, (int)partition->number, partition->ingested, end);
    ingest->tail.offset = -1;
    return partition->ingested == partition->first ||
           ingest->master->read_tail(ingest->run, partition, &ingest->tail, error);
}

/* Reads the message that was ingested last once more, where nothing else is to be read. */
static bool read_tail_again(struct ingest *ingest, struct error *error)
{
    struct event_log *log = ingest->run->batch->log;
    int64_t tail = ingest->tail.offset, available;
    return tail < 0 || log->operations->read(log, ingest->run->source->topic, ingest->partition->number, tail, tail + 1,
                                             &available, take, ingest, error);
}

/* Begins with the message that was ingested last, where the log still holds it, and ends at the cut, whatever lies
 * between the last message and it. */
static bool ingest_partition(struct ingest *ingest, struct error *error)
{
    struct run_partition *partition = ingest->partition;
    struct event_log *log = ingest->run->batch->log;
    if (!find_tail(ingest, error))
        return false;
    if (partition->ingested >= partition->cut)
        return read_tail_again(ingest, error);
    while (partition->ingested < partition->cut) {
        int64_t from = ingest->tail.offset >= 0 ? ingest->tail.offset : partition->ingested, available;
        if (!log->operations->read(log, ingest->run->source->topic, partition->number, from, partition->cut, &available,
                                   take, ingest, error))
            return false;
        if (available > from && ingest->tail.offset >= 0) {
            ingest->tail.offset = -1;
            continue;
        }
        if (available > from ? !pass_gap(ingest, available, error) : !store(ingest, partition->cut, error))
            return false;
    }
    return true;
}

/* Once a partition and run, when all of it is ingested. */
static void say_what_is_bad(struct ingest *ingest)
{
    char line[BAD_NOTICE_SIZE];
    if (bad_notice_take(&ingest->bad, ingest->run->source->name, ingest->partition->number, clock_monotonic_us(), line))
        log_warning("%s", line);
}

static bool ingest_each(struct ingest *ingest, struct error *error)
{
    for (size_t i = 0; i < ingest->run->partition_count; i++) {
        ingest->partition = &ingest->run->partitions[i];
        ingest->bad = (struct bad_notice){0};
        if (!ingest_partition(ingest, error))
            return false;
        say_what_is_bad(ingest);
    }
    return true;
}

static bool is_empty(const struct source_run *run)
{
    for (size_t i = 0; i < run->partition_count; i++)
        if (run->partitions[i].recorded && run->partitions[i].held > 0)
            return false;
    return true;
}

/* An empty master dataset is filled first and indexed afterwards, which takes a third less time. What a first ingestion
 * that was stopped has left is indexed before its partitions are looked at. */
static bool ingest_all(struct ingest *ingest, struct error *error)
{
    struct source_run *run = ingest->run;
    const struct master_operations *master = ingest->master;
    bool first = is_empty(run);
    if (!first && !master->index(run->batch, run->source, error))
        return false;
    for (size_t i = 0; i < run->partition_count; i++)
        if (!run->partitions[i].recorded && !master->record_partition(run, &run->partitions[i], error))
            return false;
    return ingest_each(ingest, error) && (!first || master->index(run->batch, run->source, error));
}

static int64_t messages_to_ingest(const struct source_run *run)
{
    int64_t total = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        const struct run_partition *partition = &run->partitions[i];
        int64_t from = partition->recorded ? partition->ingested : partition->first;
        total += partition->cut > from ? partition->cut - from : 0;
    }
    return total;
}

bool ingest_to_cut(struct source_run *run, struct error *error)
{
    struct progress progress;
    const struct master_operations *master = run->batch->master;
    struct ingest ingest = {.run = run,
                            .master = master,
                            .decoder = decoder_new(&run->source->schema),
                            .chunk = master->chunk_new(run->batch, run->source, NULL),
                            .progress = &progress};
    progress_begin(&progress, run->source->name, "messages", messages_to_ingest(run));
    bool done =
        ingest.decoder && ingest.chunk ? ingest_all(&ingest, error) : error_set(error, ERROR_INTERNAL, "out of memory");
    double seconds = progress_end(&progress);
    if (done && run->messages > 0)
        log_info("source %s: %" PRId64 " messages ingested in %.1f s, %.0f/s", run->source->name, run->messages,
                 seconds, (double)run->messages / seconds);
    master->chunk_destroy(ingest.chunk);
    decoder_destroy(ingest.decoder);
    return done;
}
