/* SPDX-License-Identifier: Apache-2.0 */
#include "master/revalidation.h"

#include <inttypes.h>

#include "master/bad_messages.h"
#include "master/raw_sql.h"
#include "postgres/binary_copy.h"

struct checking {
    struct source_run *run;
    struct decoder *decoder;
    struct revalidation result;
    struct buffer rows;    /* of the good ones */
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

static void note_good(struct checking *checking, const struct bad_message *message, const struct record *record)
{
    append_raw_row(&checking->rows, checking->run->source, checking->run->batch->settings->zone, message->partition,
                   message->offset, message->record_time_us, record);
    append_place(&checking->good, message);
    buffer_append_char(&checking->good, ')');
    checking->result.good++;
    checking->result.good_published += is_published(checking->run, message);
}

static void note_bad(struct checking *checking, const struct bad_message *message, const struct rejection *rejection)
{
    if (text_equal(message->field, text_of(rejection->field)) &&
        text_equal(message->reason, text_of(rejection->reason)))
        return;
    append_place(&checking->changed, message);
    buffer_append_string(&checking->changed, ", ");
    buffer_append_literal(&checking->changed, text_of(rejection->field));
    buffer_append_string(&checking->changed, ", ");
    buffer_append_literal(&checking->changed, text_of(rejection->reason));
    buffer_append_char(&checking->changed, ')');
}

static bool check(void *context, const struct bad_message *message, struct error *error)
{
    struct checking *checking = context;
    struct record record;
    struct rejection rejection;
    bool good;
    checking->result.checked++;
    if (!decoder_classify(checking->decoder, message->payload, message->record_time_us, &good, &record, &rejection,
                          error))
        return false;
    if (good)
        note_good(checking, message, &record);
    else
        note_bad(checking, message, &rejection);
    decoder_reset(checking->decoder);
    return true;
}

static bool copy_good(struct checking *checking, struct error *error)
{
    PGconn *connection = checking->run->batch->connection;
    struct buffer sql = {0};
    if (checking->rows.length == 0 && !checking->rows.failed)
        return true;
    append_raw_copy(&sql, checking->run->source);
    bool done = !sql.failed && !checking->rows.failed
                    ? connection_copy_begin(connection, buffer_string(&sql), error) &&
                          connection_copy_put(connection, binary_copy_head, error) &&
                          connection_copy_put(connection, buffer_text(&checking->rows), error) &&
                          connection_copy_put(connection, binary_copy_tail, error) &&
                          connection_copy_end(connection, error)
                    : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    buffer_clear(&checking->rows);
    return done;
}

/* Changes the kept messages that `list` names, as `statement` says. */
static bool change(struct checking *checking, const char *statement, struct buffer *list, const char *columns,
                   struct error *error)
{
    struct buffer sql = {0};
    if (list->length == 0 && !list->failed)
        return true;
    buffer_appendf(&sql,
                   "%s (values %s) n (partition, \"offset\"%s) where b.partition = n.partition and "
                   "b.\"offset\" = n.\"offset\" and b.source = ",
                   statement, buffer_string(list), columns);
    buffer_append_literal(&sql, text_of(checking->run->source->name));
    bool done = list->failed ? error_set(error, ERROR_INTERNAL, "out of memory")
                             : batch_execute(checking->run->batch, &sql, error);
    buffer_clean_up(&sql);
    buffer_clear(list);
    return done;
}

static bool write(void *context, struct error *error)
{
    struct checking *checking = context;
    return copy_good(checking, error) &&
           change(checking, "delete from tidemark.bad b using", &checking->good, "", error) &&
           change(checking, "update tidemark.bad b set field = n.field, reason = n.reason from", &checking->changed,
                  ", field, reason", error);
}

bool revalidate(struct source_run *run, struct revalidation *ret_revalidation, struct error *error)
{
    struct checking checking = {.run = run, .decoder = decoder_new(&run->source->schema)};
    bool done = checking.decoder ? bad_messages_read(run->batch, run->source, "order by partition, \"offset\"", check,
                                                     write, &checking, error)
                                 : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&checking.rows);
    buffer_clean_up(&checking.good);
    buffer_clean_up(&checking.changed);
    decoder_destroy(checking.decoder);
    if (done)
        *ret_revalidation = checking.result;
    return done;
}
