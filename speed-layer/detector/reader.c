/* SPDX-License-Identifier: Apache-2.0 */
#include "detector/reader.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "detector/state.h"

#define POLL_MS 10 /* the longest wait for a first message, and so part of an alert's delay */
#define COMMIT_EVERY_US (60 * US_PER_SECOND)
#define COMMIT_EVERY_MESSAGES 100000
#define ALERTS_WAIT_TIMES 4   /* as long as their last commit took: most of the time is for judging */
#define ALERTS_WAIT_US 100000 /* but no longer */
#define TROUBLE_EVERY_US (10 * US_PER_SECOND)

static struct detector_partition *find(struct detector_reader *reader, int32_t partition)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->partitions[i].number == partition)
            return &reader->partitions[i];
    return NULL;
}

/* --- Committing -------------------------------------------------------------------------------------------------- */

void detector_close_all(struct detector_reader *reader, const struct error *cause)
{
    if (cause->code != ERROR_TRY_AGAIN && cause->code != ERROR_CONFIGURATION && reader->retry.attempts % 10 == 0)
        log_error("detector %s: %s; its alerts wait", reader->detector->name, cause->message);
    pending_alerts_clear(&reader->pending);
    /* Also what has stopped, where its last alerts are among these: it judges the same again before it stops again. */
    for (size_t i = 0; i < reader->count; i++)
        if (reader->partitions[i].state == DETECTOR_OPEN || detector_partition_uncommitted(&reader->partitions[i]) > 0)
            detector_partition_close(&reader->partitions[i]);
    reader->must_assign = true;
    retry_failed(&reader->retry, clock_monotonic_us());
}

static bool commit(struct detector_reader *reader, struct error *error)
{
    struct partition_position *positions = calloc(reader->count + 1, sizeof *positions);
    size_t count = 0;
    if (!positions)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    for (size_t i = 0; i < reader->count; i++)
        if (detector_partition_uncommitted(&reader->partitions[i]) > 0)
            positions[count++] = (struct partition_position){reader->partitions[i].number,
                                                             detector_partition_position(&reader->partitions[i])};
    bool done = count == 0 || reader->store->operations->commit(reader->store, pending_alerts_records(&reader->pending),
                                                                reader->pending.count, positions, count, error);
    for (size_t i = 0; done && i < count; i++) {
        struct detector_partition *partition = find(reader, positions[i].partition);
        detector_partition_committed(partition, &positions[i].position);
        detector_count_committed(reader, partition);
    }
    free(positions);
    return done;
}

static void commit_all(struct detector_reader *reader)
{
    struct error error = {0};
    int64_t began_us = clock_monotonic_us();
    if (!commit(reader, &error)) {
        if (error.code == ERROR_CONFIGURATION)
            reader->fatal = error;
        detector_close_all(reader, &error);
        return;
    }
    pending_alerts_clear(&reader->pending);
    reader->committed_us = clock_monotonic_us();
    reader->commit_took_us = reader->committed_us - began_us;
    retry_succeeded(&reader->retry);
}

static int64_t uncommitted(const struct detector_reader *reader)
{
    int64_t sum = 0;
    for (size_t i = 0; i < reader->count; i++)
        sum += detector_partition_uncommitted(&reader->partitions[i]);
    return sum;
}

/* Whoever waits for the ends waits for their commit. */
static bool is_at_ends(const struct detector_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->partitions[i].state != DETECTOR_OPEN || reader->partitions[i].next < reader->partitions[i].target)
            return false;
    return true;
}

/* At once where the last commit was a while ago. Where one poll after the other has some, several share a commit. */
static bool alerts_are_due(const struct detector_reader *reader, int64_t since_us)
{
    int64_t wait_us = ALERTS_WAIT_TIMES * reader->commit_took_us;
    return reader->pending.count > 0 && since_us >= (wait_us < ALERTS_WAIT_US ? wait_us : ALERTS_WAIT_US);
}

static void commit_due(struct detector_reader *reader)
{
    int64_t waiting = uncommitted(reader), since_us = clock_monotonic_us() - reader->committed_us;
    bool is_due = alerts_are_due(reader, since_us) || waiting >= COMMIT_EVERY_MESSAGES || since_us >= COMMIT_EVERY_US ||
                  (is_at_ends(reader) && !detector_reader_has_reached_ends(reader));
    if (waiting > 0 && is_due)
        commit_all(reader);
}

/* --- What the consumer tells ------------------------------------------------------------------------------------- */

static void tell_stopped(struct detector_reader *reader, const struct detector_partition *partition)
{
    log_error("detector %s: partition %d: alarm: stopped at offset %lld: its transactions in reach take more than "
              "`memory`, %lld bytes; start it with more",
              reader->detector->name, (int)partition->number, (long long)partition->next,
              (long long)reader->detector->memory_bytes);
    reader->must_assign = true;
}

static void on_messages(void *context, const char *topic, int32_t number, const struct log_message messages[],
                        size_t count)
{
    (void)topic;
    struct detector_reader *reader = context;
    struct detector_partition *partition = find(reader, number);
    size_t taken = 0;
    while (partition && partition->state == DETECTOR_OPEN && taken < count) {
        taken += detector_partition_take(partition, reader->decoder, messages + taken, count - taken, &reader->pending);
        if (partition->state == DETECTOR_STOPPED)
            tell_stopped(reader, partition);
        if (partition->state == DETECTOR_CLOSED)
            detector_close_all(reader, &(struct error){ERROR_INTERNAL, "out of memory"});
        else if (taken < count || uncommitted(reader) >= COMMIT_EVERY_MESSAGES)
            commit_all(reader);
    }
}

static void on_end(void *context, const char *topic, int32_t number, int64_t offset)
{
    (void)topic;
    struct detector_reader *reader = context;
    struct detector_partition *partition = find(reader, number);
    if (partition && partition->state == DETECTOR_OPEN)
        detector_partition_advance(partition, offset);
}

static void close_one(struct detector_reader *reader, int32_t number, const struct error *cause)
{
    struct detector_partition *partition = find(reader, number);
    if (!partition || partition->state != DETECTOR_OPEN)
        return;
    log_warning("detector %s: %s", reader->detector->name, cause->message);
    commit_due(reader);
    detector_close_all(reader, &(struct error){.code = ERROR_TRY_AGAIN});
}

static void on_out_of_range(void *context, const char *topic, int32_t number, int64_t offset)
{
    struct error error;
    error_set(&error, ERROR_UNAVAILABLE, "%s/%d: offset %lld is no longer in the log", topic, (int)number,
              (long long)offset);
    close_one(context, number, &error);
}

static void on_unreadable(void *context, const char *topic, int32_t number, const struct error *error)
{
    (void)topic;
    close_one(context, number, error);
}

static void on_trouble(void *context, const struct error *error)
{
    struct detector_reader *reader = context;
    int64_t now_us = clock_monotonic_us();
    if (reader->troubled_us && now_us - reader->troubled_us < TROUBLE_EVERY_US)
        return;
    reader->troubled_us = now_us;
    log_warning("detector %s: %s; waiting for it", reader->detector->name, error->message);
}

static bool on_assigned(void *context, const struct consumer_position partitions[], size_t count)
{
    struct detector_reader *reader = context;
    reader->partitions = calloc(count + 1, sizeof *reader->partitions);
    if (!reader->partitions)
        return false;
    for (size_t i = 0; i < count; i++)
        reader->partitions[reader->count++] =
            (struct detector_partition){.detector = reader->detector, .number = partitions[i].partition, .target = -1};
    reader->has_assignment = true;
    reader->store->operations->joined(reader->store);
    log_info("detector %s has %zu partitions", reader->detector->name, reader->count);
    return true;
}

static void on_revoked(void *context, bool lost)
{
    struct detector_reader *reader = context;
    if (!lost && uncommitted(reader) > 0)
        commit_all(reader);
    pending_alerts_clear(&reader->pending);
    detector_forget_lag(reader);
    for (size_t i = 0; i < reader->count; i++)
        detector_partition_close(&reader->partitions[i]);
    free(reader->partitions);
    reader->partitions = NULL;
    reader->count = 0;
    reader->has_assignment = false;
    retry_succeeded(&reader->retry);
}

struct consumer_events detector_reader_events(struct detector_reader *reader)
{
    return (struct consumer_events){.assigned = on_assigned,
                                    .revoked = on_revoked,
                                    .messages = on_messages,
                                    .end = on_end,
                                    .out_of_range = on_out_of_range,
                                    .unreadable = on_unreadable,
                                    .trouble = on_trouble,
                                    .context = reader};
}

/* --- The reader -------------------------------------------------------------------------------------------------- */

struct detector_reader *detector_reader_new(const struct detector *detector, struct metrics *metrics,
                                            struct reader_report *report)
{
    struct detector_reader *reader = calloc(1, sizeof *reader);
    struct decoder *decoder = decoder_new(&detector->source->schema);
    if (!reader || !decoder) {
        free(reader);
        decoder_destroy(decoder);
        return NULL;
    }
    *reader = (struct detector_reader){.detector = detector,
                                       .decoder = decoder,
                                       .metrics = metrics,
                                       .report = report,
                                       .budget = {.ceiling = (size_t)detector->memory_bytes},
                                       .retry = RETRY_DEPENDENCY,
                                       .committed_us = clock_monotonic_us()};
    random_bytes(&reader->seed, sizeof reader->seed);
    return reader;
}

void detector_reader_destroy(struct detector_reader *reader)
{
    if (!reader)
        return;
    if (reader->consumer)
        reader->consumer->operations->destroy(reader->consumer);
    if (reader->store)
        reader->store->operations->destroy(reader->store);
    pending_alerts_clean_up(&reader->pending);
    decoder_destroy(reader->decoder);
    free(reader);
}

void detector_reader_attach(struct detector_reader *reader, struct consumer *consumer, struct alert_store *store)
{
    reader->consumer = consumer;
    reader->store = store;
}

static void assign(struct detector_reader *reader)
{
    struct error error = {0};
    struct consumer_position *positions = calloc(reader->count + 1, sizeof *positions);
    size_t count = 0;
    for (size_t i = 0; positions && i < reader->count; i++)
        if (reader->partitions[i].state == DETECTOR_OPEN)
            positions[count++] = (struct consumer_position){reader->detector->source->topic,
                                                            reader->partitions[i].number, reader->partitions[i].next};
    if (positions && reader->consumer->operations->assign(reader->consumer, positions, count, &error))
        reader->must_assign = false;
    free(positions);
}

static void tell_misplaced(struct detector_reader *reader)
{
    int64_t now_us = clock_monotonic_us(), misplaced = 0;
    if (reader->misplaced_us && now_us - reader->misplaced_us < 6 * TROUBLE_EVERY_US)
        return;
    reader->misplaced_us = now_us;
    for (size_t i = 0; i < reader->count; i++)
        if (reader->partitions[i].detection)
            misplaced += detection_counts(reader->partitions[i].detection)->misplaced;
    if (misplaced > reader->misplaced)
        log_error("detector %s: alarm: %lld transactions are misplaced: without Kafka key, or with another one than "
                  "others of the same value. Each partition judges its own, so that what is spread over several may "
                  "not be found",
                  reader->detector->name, (long long)misplaced);
    reader->misplaced = misplaced;
}

bool detector_reader_turn(struct detector_reader *reader, struct error *error)
{
    detector_open_closed(reader);
    if (reader->fatal.code != ERROR_NONE) {
        *error = reader->fatal;
        return false;
    }
    if (reader->has_assignment && reader->must_assign)
        assign(reader);
    reader->consumer->operations->poll(reader->consumer, POLL_MS, true);
    commit_due(reader);
    tell_misplaced(reader);
    detector_update_report(reader);
    return true;
}

bool detector_reader_has_reached_ends(const struct detector_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++) {
        const struct detector_partition *partition = &reader->partitions[i];
        bool is_there = partition->state == DETECTOR_OPEN && partition->position.offset >= partition->target;
        if (partition->state != DETECTOR_STOPPED && !is_there)
            return false;
    }
    return reader->has_assignment;
}

size_t detector_reader_stopped_partitions(const struct detector_reader *reader)
{
    size_t stopped = 0;
    for (size_t i = 0; i < reader->count; i++)
        stopped += reader->partitions[i].state == DETECTOR_STOPPED;
    return stopped;
}
