/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/dead_letter_writer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "kafka/topics.h"
#include "kafka/transaction_writer.h"

struct dead_letter_writer {
    const struct source *source;
    int32_t partition;
    rd_kafka_t *checkpoints;
    struct transaction_writer *transactions;
    char group[300]; /* that holds the checkpoints */
    bool is_open;
    int64_t checkpoint; /* -1 where there is none */
};

struct dead_letter_writer *dead_letter_writer_new(const struct kafka_access *access, const struct source *source,
                                                  int32_t partition, rd_kafka_t *checkpoints, struct error *error)
{
    char id[400];
    struct dead_letter_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        error_set(error, ERROR_INTERNAL, "out of memory");
        return NULL;
    }
    *writer = (struct dead_letter_writer){
        .source = source, .partition = partition, .checkpoints = checkpoints, .checkpoint = -1};
    snprintf(writer->group, sizeof writer->group, "%s-dead-letters", access->group);
    snprintf(id, sizeof id, "%s/%s/%d", access->group, source->name, (int)partition);
    const struct transaction_names names = {
        .id = id, .timeout_ms = "30000", .topic = source->dead_letter, .records = "dead letters"};
    writer->transactions = transaction_writer_new(access, &names, error);
    if (writer->transactions)
        return writer;
    free(writer);
    return NULL;
}

void dead_letter_writer_destroy(struct dead_letter_writer *writer)
{
    if (!writer)
        return;
    transaction_writer_destroy(writer->transactions);
    free(writer);
}

static rd_kafka_topic_partition_list_t *checkpoint_list(const struct dead_letter_writer *writer, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, writer->source->topic, writer->partition)->offset = offset;
    return list;
}

static bool read_checkpoint(struct dead_letter_writer *writer, int64_t until_us, struct error *error)
{
    int64_t left_us = until_us - clock_monotonic_us();
    rd_kafka_topic_partition_list_t *list = checkpoint_list(writer, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_resp_err_t code = rd_kafka_committed(writer->checkpoints, list, left_us > 0 ? (int)(left_us / 1000) : 0);
    if (!code)
        code = list->elems[0].err;
    writer->checkpoint = list->elems[0].offset >= 0 ? list->elems[0].offset : -1;
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 || kafka_error(error, code, "the checkpoint of dead letters");
}

bool dead_letter_writer_open(struct dead_letter_writer *writer, int64_t until_us, struct error *error)
{
    if (!transaction_writer_open(writer->transactions, until_us, error))
        return false;
    if (!writer->is_open)
        writer->is_open =
            kafka_topic_ensure(transaction_writer_client(writer->transactions), writer->source->dead_letter, error) &&
            read_checkpoint(writer, until_us, error);
    return writer->is_open;
}

static bool add_letter(struct dead_letter_writer *writer, const struct dead_letter_copy *letter, size_t whole_below,
                       int64_t until_us, struct error *error)
{
    char key[DEAD_LETTER_KEY_SIZE];
    const struct transaction_record record = dead_letter_record(letter, letter->payload.length < whole_below, key);
    return transaction_add(writer->transactions, &record, until_us, error);
}

static bool write_with_checkpoint(struct dead_letter_writer *writer, const struct dead_letter_copy letters[],
                                  size_t count, int64_t next, size_t whole_below, int64_t until_us, struct error *error)
{
    if (!transaction_begin(writer->transactions, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (letters[i].offset >= writer->checkpoint && !add_letter(writer, &letters[i], whole_below, until_us, error))
            return false;
    rd_kafka_topic_partition_list_t *list = checkpoint_list(writer, next);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(writer->group);
    bool done = transaction_commit(writer->transactions, group, list, until_us, error);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    return done;
}

enum dead_letter_outcome dead_letter_writer_write(struct dead_letter_writer *writer,
                                                  const struct dead_letter_copy letters[], size_t count, int64_t next,
                                                  size_t whole_below, int64_t until_us, size_t *ret_refused,
                                                  struct error *error)
{
    if (count == 0 || letters[count - 1].offset < writer->checkpoint)
        return DEAD_LETTERS_WRITTEN;
    if (write_with_checkpoint(writer, letters, count, next, whole_below, until_us, error)) {
        writer->checkpoint = next;
        return DEAD_LETTERS_WRITTEN;
    }
    size_t refused = transaction_refused(writer->transactions);
    if (refused >= whole_below)
        return DEAD_LETTERS_FAILED;
    *ret_refused = refused;
    return DEAD_LETTERS_TOO_LARGE;
}
