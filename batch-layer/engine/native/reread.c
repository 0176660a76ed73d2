/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/native/reread.h"

#include "base/shutdown.h"

struct log_scan {
    const struct reread *reread;
    struct decoder *decoder;
};

/* --- from the log --- */

static bool take_message(void *context, const struct log_message *message, struct error *error)
{
    const struct log_scan *scan = context;
    const struct reread *reread = scan->reread;
    struct record record;
    struct rejection rejection = {0};
    if (shutdown_requested())
        return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
    bool good;
    struct master_row row = {.offset = message->offset, .record_time_us = message->record_time_us};
    bool done =
        decoder_classify(scan->decoder, message->payload, message->record_time_us, &good, &record, &rejection, error);
    row.record = done && good ? &record : NULL;
    done = done && reread->take(reread->context, &row, error);
    decoder_reset(scan->decoder);
    return done;
}

static bool read_log(const struct reread *reread, int64_t from, struct error *error)
{
    struct event_log *log = reread->batch->log;
    struct log_scan scan = {reread, decoder_new(&reread->source->schema)};
    int64_t available = from;
    bool done = scan.decoder ? log->operations->read(log, reread->source->topic, reread->partition, from, reread->to,
                                                     &available, take_message, &scan, error)
                             : error_set(error, ERROR_INTERNAL, "out of memory");
    decoder_destroy(scan.decoder);
    return done && (available == from || error_set(error, ERROR_TRY_AGAIN,
                                                   "source %s: the log of partition %d lost its head while it was read",
                                                   reread->source->name, (int)reread->partition));
}

/* --- from the master dataset --- */

static bool take_rows(const struct reread *reread, struct master_rows *rows, struct error *error)
{
    struct master_row row;
    while (reread->batch->master->next_row(rows, &row)) {
        if (row.damaged_field)
            return error_set(error, ERROR_DATA, "source %s: the master dataset has a %s that isn't one",
                             reread->source->name, row.damaged_field);
        if (!reread->take(reread->context, &row, error))
            return false;
    }
    return true;
}

static bool read_master(const struct reread *reread, int64_t to, struct error *error)
{
    const struct master_operations *master = reread->batch->master;
    bool done = true;
    for (int64_t from = reread->from; done && from < to; from += MASTER_READ_OFFSETS) {
        int64_t until = to - from < MASTER_READ_OFFSETS ? to : from + MASTER_READ_OFFSETS;
        struct master_rows *rows = NULL;
        if (shutdown_requested())
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
        done = master->read(reread->batch, reread->source, reread->partition, from, until, &rows, error) &&
               take_rows(reread, rows, error);
        master->rows_destroy(rows);
    }
    return done;
}

bool reread_partition(const struct reread *reread, int64_t *ret_split, struct error *error)
{
    struct event_log *log = reread->batch->log;
    int64_t first, end;
    if (!log->operations->ends(log, reread->source->topic, reread->partition, &first, &end, error))
        return false;
    int64_t split = first < reread->from ? reread->from : first < reread->to ? first : reread->to;
    bool done = (split == reread->from || read_master(reread, split, error)) &&
                (split == reread->to || read_log(reread, split, error));
    if (done)
        *ret_split = split;
    return done;
}
