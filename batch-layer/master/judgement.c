/* SPDX-License-Identifier: Apache-2.0 */
#include "master/judgement.h"

#include <inttypes.h>

#include "base/shutdown.h"
#include "master/bad_messages.h"
#include "master/raw_line.h"

struct judging {
    struct source_run *run;
    struct decoder *decoder;
    struct judgement judgement;
    struct buffer lines;   /* of the good ones */
    struct buffer good;    /* "(0, 17), (0, 18)": where they lay */
    struct buffer changed; /* "(0, 19, 'amount', 'not a number')": those that are bad for another reason */
};

static void append_place(struct buffer *list, const struct bad_message *message)
{
    buffer_appendf(list, "%s(%d, %" PRId64, list->length ? ", " : "", (int)message->partition, message->offset);
}

static bool is_published(const struct source_run *run, const struct bad_message *message)
{
    size_t number = (size_t)message->partition;
    return number < run->partition_count && run->partitions[number].published &&
           message->offset < run->partitions[number].begins;
}

static void note_good(struct judging *judging, const struct bad_message *message, const struct record *record)
{
    append_raw_line(&judging->lines, judging->run->source, message->partition, message->offset, message->record_time_us,
                    record);
    append_place(&judging->good, message);
    buffer_append_char(&judging->good, ')');
    judging->judgement.good++;
    judging->judgement.good_published += is_published(judging->run, message);
}

static void note_bad(struct judging *judging, const struct bad_message *message, const struct rejection *rejection)
{
    if (text_equal(message->field, text_of(rejection->field)) &&
        text_equal(message->reason, text_of(rejection->reason)))
        return;
    append_place(&judging->changed, message);
    buffer_append_string(&judging->changed, ", ");
    buffer_append_literal(&judging->changed, text_of(rejection->field));
    buffer_append_string(&judging->changed, ", ");
    buffer_append_literal(&judging->changed, text_of(rejection->reason));
    buffer_append_char(&judging->changed, ')');
}

static bool judge(struct judging *judging, const struct bad_message *message, struct error *error)
{
    struct record record;
    struct rejection rejection;
    judging->judgement.judged++;
    bool good = decoder_decode(judging->decoder, message->payload, message->record_time_us, &record, &rejection);
    if (good)
        note_good(judging, message, &record);
    else if (rejection.reason)
        note_bad(judging, message, &rejection);
    else
        return error_set(error, ERROR_INTERNAL, "out of memory");
    decoder_reset(judging->decoder);
    return true;
}

static bool judge_rows(struct judging *judging, const PGresult *rows, struct error *error)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        struct bad_message message;
        bool done = bad_message_init(&message, rows, row, error) && judge(judging, &message, error);
        bad_message_clean_up(&message);
        if (!done)
            return false;
    }
    return true;
}

static bool copy_good(struct judging *judging, struct error *error)
{
    PGconn *connection = judging->run->batch->connection;
    struct buffer sql = {0};
    if (judging->lines.length == 0 && !judging->lines.failed)
        return true;
    append_raw_copy(&sql, judging->run->source);
    bool done = !sql.failed && !judging->lines.failed
                    ? connection_copy_begin(connection, buffer_string(&sql), error) &&
                          connection_copy_put(connection, buffer_text(&judging->lines), error) &&
                          connection_copy_end(connection, error)
                    : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    buffer_clear(&judging->lines);
    return done;
}

/* Changes the kept messages that `list` names, as `statement` says. */
static bool change(struct judging *judging, const char *statement, struct buffer *list, const char *columns,
                   struct error *error)
{
    struct buffer sql = {0};
    if (list->length == 0 && !list->failed)
        return true;
    buffer_appendf(&sql,
                   "%s (values %s) n (partition, \"offset\"%s) where b.partition = n.partition and "
                   "b.\"offset\" = n.\"offset\" and b.source = ",
                   statement, buffer_string(list), columns);
    buffer_append_literal(&sql, text_of(judging->run->source->name));
    bool done = list->failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                             : batch_execute(judging->run->batch, &sql, error);
    buffer_clean_up(&sql);
    buffer_clear(list);
    return done;
}

static bool write(struct judging *judging, struct error *error)
{
    return copy_good(judging, error) &&
           change(judging, "delete from tidemark.bad b using", &judging->good, "", error) &&
           change(judging, "update tidemark.bad b set field = n.field, reason = n.reason from", &judging->changed,
                  ", field, reason", error);
}

static bool judge_all(struct judging *judging, struct error *error)
{
    struct batch *batch = judging->run->batch;
    if (!bad_messages_open(batch, judging->run->source, "order by partition, \"offset\"", error))
        return false;
    for (int count = 1; count > 0;) {
        RESULT *rows = NULL;
        if (shutdown_requested())
            return error_set(error, ERROR_TRY_AGAIN, "stopped by a signal");
        if (!bad_messages_fetch(batch, &rows, error) || !judge_rows(judging, rows, error) || !write(judging, error))
            return false;
        count = PQntuples(rows);
    }
    return connection_execute(batch->connection, "close tm_bad", error);
}

bool judge_again(struct source_run *run, struct judgement *ret_judgement, struct error *error)
{
    struct judging judging = {.run = run, .decoder = decoder_new(&run->source->schema)};
    bool done = judging.decoder ? judge_all(&judging, error) : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&judging.lines);
    buffer_clean_up(&judging.good);
    buffer_clean_up(&judging.changed);
    decoder_destroy(judging.decoder);
    if (done)
        *ret_judgement = judging.judgement;
    return done;
}
