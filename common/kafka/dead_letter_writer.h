/* SPDX-License-Identifier: Apache-2.0
 * Writes the letters of one partition, in transactions of a producer of its own. Whatever goes wrong, the way on is to
 * close it and open another, which ends what this one had begun and reads the checkpoint. */
#ifndef TIDEMARK_KAFKA_DEAD_LETTER_WRITER_H
#define TIDEMARK_KAFKA_DEAD_LETTER_WRITER_H

#include "kafka/client.h"
#include "kafka/dead_letter_record.h"

struct dead_letter_writer;

/* `access`, `source` and `checkpoints` must outlive it. `checkpoints` is a consumer of the group that holds the
 * checkpoints. Doesn't connect yet. */
struct dead_letter_writer *dead_letter_writer_new(const struct kafka_access *access, const struct source *source,
                                                  int32_t partition, rd_kafka_t *checkpoints,
                                                  struct error *error) MUST_CHECK;
void dead_letter_writer_destroy(struct dead_letter_writer *writer); /* NULL is allowed */

/* Fences whoever had the partition before and reads the checkpoint; nothing where that is done already. After
 * ERROR_UNAVAILABLE it may be called again. `until_us` is monotonic time. */
bool dead_letter_writer_open(struct dead_letter_writer *writer, int64_t until_us, struct error *error) MUST_CHECK;

enum dead_letter_outcome {
    DEAD_LETTERS_WRITTEN,
    DEAD_LETTERS_FAILED,    /* the error is set */
    DEAD_LETTERS_TOO_LARGE, /* the topic refuses letters with *ret_refused bytes of payload, and larger ones */
};

/* Writes those at or above the checkpoint and moves it up to `next`, all in one transaction; those with `whole_below`
 * bytes of payload, or more, go without them. When it isn't DEAD_LETTERS_WRITTEN the writer is of no use any more. */
enum dead_letter_outcome dead_letter_writer_write(struct dead_letter_writer *writer,
                                                  const struct dead_letter_copy letters[], size_t count, int64_t next,
                                                  size_t whole_below, int64_t until_us, size_t *ret_refused,
                                                  struct error *error) MUST_CHECK;

#endif
