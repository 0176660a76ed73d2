/* SPDX-License-Identifier: Apache-2.0
 * Rows of NDJSON and CSV, and of tables, as messages: judged by the decoder of topics, whatever computes with them.
 *
 * Rows of a log have in `tm_partition` and `tm_offset`, where they have such members, their place in the topic, and
 * only those are messages whose `tm_live` is true, where they have that. Rows that are joined have no key, no event
 * time and no decimals. */
#ifndef TIDEMARK_BATCH_ROW_DECODER_H
#define TIDEMARK_BATCH_ROW_DECODER_H

#include "lake/row_chunks.h"
#include "record/record.h"

struct row_decoder {
    struct schema schema; /* what is decoded: fields of the source, and behind them those two of a log */
    struct field fields[FIELDS_MAX];
    size_t numbers[FIELDS_MAX]; /* of these fields, among those of the source; FIELD_NONE: of none */
    size_t partition, offset;   /* of those two among the fields; FIELD_NONE: there is no room for them */
    bool has[FIELDS_MAX];       /* by the source's numbers: a row had a value, or a CSV file the column */
    const struct schema *source;
    bool is_log;
    struct decoder *decoder;
    struct buffer message; /* scratch */
    struct csv_scan *csv;  /* scratch */
    size_t decoded;
};

/* Of one thread; the schema must outlive it. False where memory is short. row_decoder_clean_up takes half of one. */
bool row_decoder_init(struct row_decoder *decoder, const struct schema *source, bool is_log,
                      struct error *error) MUST_CHECK;
void row_decoder_clean_up(struct row_decoder *decoder);

/* A row that is a message. Valid during the call. */
struct file_row {
    int64_t number;              /* in the chunk, from 0 */
    const struct record *record; /* of the decoder's schema; NULL where the row is bad: */
    const char *reason;
};
typedef bool file_row_visitor(void *context, const struct file_row *row, struct error *error);

/* Visits the rows of a chunk; *ret_rows: how many there are, those that aren't messages too. ERROR_DATA where the file
 * isn't what its ending says. */
bool row_decoder_chunk(struct row_decoder *decoder, const struct lake_folder *folder, const struct row_chunk *chunk,
                       file_row_visitor *visit, void *context, int64_t *ret_rows, struct error *error) MUST_CHECK;
/* The same of one row, as JSON. */
bool row_decoder_row(struct row_decoder *decoder, struct text json, int64_t number, file_row_visitor *visit,
                     void *context, struct error *error) MUST_CHECK;

/* Whether `version`, by which versions of orders in the folder are to be ordered, is a field; NULL is. ERROR_DATA. */
bool row_decoder_check_version(const char *version, const struct schema *schema, const char *folder,
                               struct error *error) MUST_CHECK;

#endif
