/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/replay.h"

#include "base/shutdown.h"
#include "master/master.h"

struct log_reading {
    const struct replay *replay;
    struct decoder *decoder;
};

/* --- from the log --- */

static bool take_message(void *context, const struct log_message *message, struct error *error)
{
    const struct log_reading *reading = context;
    const struct replay *replay = reading->replay;
    struct record record;
    struct rejection rejection = {0};
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    bool good = decoder_decode(reading->decoder, message->payload, message->record_time_us, &record, &rejection);
    bool done = !good && !rejection.reason
                    ? error_set(error, ERROR_INTERNAL, "out of memory")
                    : replay->take(replay->context, message->offset, good ? &record : NULL, error);
    decoder_reset(reading->decoder);
    return done;
}

static bool read_log(const struct replay *replay, int64_t from, struct error *error)
{
    struct event_log *log = replay->batch->log;
    struct log_reading reading = {replay, decoder_new(&replay->source->schema)};
    int64_t available = from;
    bool done = reading.decoder ? log->operations->read(log, replay->source->topic, replay->partition, from, replay->to,
                                                        &available, take_message, &reading, error)
                                : error_set(error, ERROR_INTERNAL, "out of memory");
    decoder_destroy(reading.decoder);
    return done && (available == from || error_set(error, ERROR_TRY_AGAIN,
                                                   "source %s: the log of partition %d lost its head while it was read",
                                                   replay->source->name, (int)replay->partition));
}

/* --- from the master dataset --- */

static bool take_rows(const struct replay *replay, struct master_rows *rows, struct error *error)
{
    struct master_row row;
    while (replay->batch->master->next_row(rows, &row)) {
        if (row.damaged_field)
            return error_set(error, ERROR_DATA, "source %s: the master dataset has a %s that isn't one",
                             replay->source->name, row.damaged_field);
        if (!replay->take(replay->context, row.offset, row.record, error))
            return false;
    }
    return true;
}

static bool read_master(const struct replay *replay, int64_t to, struct error *error)
{
    const struct master_operations *master = replay->batch->master;
    bool done = true;
    for (int64_t from = replay->from; done && from < to; from += MASTER_READ_OFFSETS) {
        int64_t until = to - from < MASTER_READ_OFFSETS ? to : from + MASTER_READ_OFFSETS;
        struct master_rows *rows = NULL;
        if (shutdown_requested())
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
        done = master->read(replay->batch, replay->source, replay->partition, from, until, &rows, error) &&
               take_rows(replay, rows, error);
        master->rows_destroy(rows);
    }
    return done;
}

bool replay_partition(const struct replay *replay, int64_t *ret_split, struct error *error)
{
    struct event_log *log = replay->batch->log;
    int64_t first, end;
    if (!log->operations->ends(log, replay->source->topic, replay->partition, &first, &end, error))
        return false;
    int64_t split = first < replay->from ? replay->from : first < replay->to ? first : replay->to;
    bool done = (split == replay->from || read_master(replay, split, error)) &&
                (split == replay->to || read_log(replay, split, error));
    if (done)
        *ret_split = split;
    return done;
}
