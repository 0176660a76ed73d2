/* SPDX-License-Identifier: Apache-2.0
 * What a sink states of the copy that it holds: of which view and offsets it is. A line of JSON, which readers of the
 * sink may rely on; an emitter reads back what one wrote. */
#ifndef TIDEMARK_EMIT_STATEMENT_H
#define TIDEMARK_EMIT_STATEMENT_H

#include "config/settings.h"
#include "stream_position.h"

#define SINK_REMEDY "; --restart makes the sink hold the present state as if it had been empty"

struct statement {
    int64_t number;                      /* of the micro-batch; 0: the sink states nothing */
    struct text view, fingerprint, mode; /* of the text that was parsed */
    int64_t rows;
    uint64_t checksum; /* of the rows, see held_rows */
    int64_t epoch;
    size_t partition_count;
    int64_t *offsets; /* by partition; -1: none is stated. Owned. */
};

/* How the sink is written: update, append. */
const char *statement_mode(const struct sink *sink);

void statement_clean_up(struct statement *statement);

/* `provenance` is that of the API; its watermark stands beside the offsets too. */
void statement_append(const struct sink *sink, const struct statement *statement, struct text provenance,
                      struct buffer *out);

/* False where no emitter wrote this, or memory is short. Texts point into `text`. */
bool statement_parse(struct text text, struct statement *ret_statement) MUST_CHECK;

#endif
