/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/dead_letters.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/shutdown.h"
#include "base/timestamp.h"
#include "master/bad_messages.h"
#include "publication/publisher.h"
#include "run/progress.h"
#include "run/run.h"

#define SHOWN_BYTES 80

/* Bytes that a terminal could take for something else are shown as \xHH. */
static void append_shown(struct buffer *out, struct text bytes)
{
    size_t length = bytes.length < SHOWN_BYTES ? bytes.length : SHOWN_BYTES;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (byte >= ' ' && byte < 0x7F && byte != '\\')
            buffer_append_char(out, (char)byte);
        else
            buffer_appendf(out, "\\x%02x", byte);
    }
    if (length < bytes.length)
        buffer_append_string(out, " ...");
}

static void append_time(struct buffer *out, int64_t record_time_us)
{
    if (record_time_us < 0)
        buffer_append_char(out, '-');
    else
        buffer_append_timestamp(out, record_time_us);
}

static void append_size(struct buffer *out, struct text payload)
{
    if (!payload.data)
        buffer_append_string(out, "null");
    else if (payload.length > MESSAGE_BYTES_MAX)
        buffer_appendf(out, "more than %zu bytes", MESSAGE_BYTES_MAX);
    else
        buffer_appendf(out, "%zu bytes", payload.length);
}

static void append_message(struct buffer *line, const struct source *source, const struct bad_message *message,
                           const char *remark)
{
    buffer_appendf(line, "%s/%d/%" PRId64 "  %.*s%s%.*s%s  ", source->topic, (int)message->partition, message->offset,
                   (int)message->field.length, message->field.data, message->field.length ? ": " : "",
                   (int)message->reason.length, message->reason.data, remark);
    append_time(line, message->record_time_us);
    buffer_append_string(line, "  ");
    append_size(line, message->payload);
    buffer_append_string(line, "  ");
    append_shown(line, message->payload);
}

struct printing {
    const struct source *source;
    struct decoder *decoder;
};

static bool print_message(void *context, const struct bad_message *message, struct error *error)
{
    const struct printing *printing = context;
    struct record record;
    struct rejection rejection;
    struct buffer line = {0};
    bool good, classified = decoder_classify(printing->decoder, message->payload, message->record_time_us, &good,
                                             &record, &rejection, error);
    decoder_reset(printing->decoder);
    if (!classified)
        return false;
    append_message(&line, printing->source, message, good ? " (good now)" : "");
    bool done = !line.failed || error_set(error, ERROR_INTERNAL, "out of memory");
    if (done)
        puts(buffer_string(&line));
    buffer_clean_up(&line);
    return done;
}

/* --- what no run has ingested yet --- */

struct waiting {
    const struct source *source;
    struct decoder *decoder;
    int32_t partition;
    int64_t count, limit; /* of bad messages; of those whose line is kept */
    struct buffer lines;
    struct progress progress;
};

static bool take_waiting(void *context, const struct log_message *message, struct error *error)
{
    struct waiting *waiting = context;
    struct record record;
    struct rejection rejection;
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    bool good;
    if (!decoder_classify(waiting->decoder, message->payload, message->record_time_us, &good, &record, &rejection,
                          error))
        return false;
    if (!good && waiting->count++ < waiting->limit) {
        const struct bad_message bad = {.partition = waiting->partition,
                                        .offset = message->offset,
                                        .record_time_us = message->record_time_us,
                                        .field = text_of(rejection.field),
                                        .reason = text_of(rejection.reason),
                                        .payload = message->payload};
        append_message(&waiting->lines, waiting->source, &bad, " (not ingested yet)");
        buffer_append_char(&waiting->lines, '\n');
    }
    decoder_reset(waiting->decoder);
    progress_add(&waiting->progress, 1);
    return true;
}

static bool read_partition(struct batch *batch, struct waiting *waiting, int32_t number, int64_t ingested,
                           struct error *error)
{
    const struct event_log_operations *log = batch->log->operations;
    const char *topic = waiting->source->topic;
    int64_t first, end, available;
    if (!log->ends(batch->log, topic, number, &first, &end, error))
        return false;
    int64_t from = ingested > first ? ingested : first;
    waiting->partition = number;
    progress_begin(&waiting->progress, topic, "messages", end - from);
    bool done =
        from >= end || log->read(batch->log, topic, number, from, end, &available, take_waiting, waiting, error);
    progress_end(&waiting->progress);
    return done;
}

static bool read_waiting(struct batch *batch, struct waiting *waiting, struct error *error)
{
    int32_t count;
    size_t known;
    if (!batch->log->operations->partition_count(batch->log, waiting->source->topic, &count, error))
        return false;
    struct ingested_partition *ingested = calloc((size_t)count + 1, sizeof *ingested);
    if (!ingested)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = batch->master->read_partitions(batch, waiting->source, ingested, (size_t)count, &known, error);
    for (int32_t i = 0; done && i < count; i++)
        done = read_partition(batch, waiting, i, ingested[i].next, error);
    free(ingested);
    return done;
}

/* Kafka may be down, and what is kept is worth a look all the same. */
static bool print_waiting(struct batch *batch, const struct source *source, struct decoder *decoder, int64_t limit,
                          struct error *error)
{
    struct waiting waiting = {.source = source, .decoder = decoder, .limit = limit};
    struct error unreadable;
    bool done = read_waiting(batch, &waiting, &unreadable);
    if (!done)
        log_warning("%s: what no run has ingested yet isn't listed; see %s", unreadable.message,
                    source->dead_letter ? source->dead_letter : "the topic");
    else if (waiting.count > 0)
        printf("source %s: %" PRId64 " bad messages are not ingested yet\n%s", source->name, waiting.count,
               buffer_string(&waiting.lines));
    done = !waiting.lines.failed || error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&waiting.lines);
    return done;
}

static void print_head(void *context, int64_t kept)
{
    const struct printing *printing = context;
    printf("source %s: %" PRId64 " bad messages are kept\n", printing->source->name, kept);
}

bool dead_letters_list(struct batch *batch, const struct source *source, int64_t limit, struct error *error)
{
    struct decoder *decoder = decoder_new(&source->schema);
    bool done = decoder || error_set(error, ERROR_INTERNAL, "out of memory");
    struct printing printing = {source, decoder};
    const struct bad_message_list list = {print_head, print_message, &printing};
    done = done && batch->publisher->connect(batch, error) && print_waiting(batch, source, decoder, limit, error) &&
           batch->master->read_bad(batch, source, limit, &list, error);
    decoder_destroy(decoder);
    return done;
}

bool dead_letters_replay(struct batch *batch, const struct source *source, struct error *error)
{
    batch->revalidates = true;
    return run_source(batch, source, error);
}
