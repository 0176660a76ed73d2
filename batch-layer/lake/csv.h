/* SPDX-License-Identifier: Apache-2.0
 * Records of CSV (RFC 4180): fields between commas, quoted where they hold commas, quotes (doubled) or line ends. An
 * empty field is null, and "" an empty text, as in the answers of the serving layer. */
#ifndef TIDEMARK_BATCH_CSV_H
#define TIDEMARK_BATCH_CSV_H

#include <stdio.h>

#include "base/buffer.h"

#define CSV_FIELDS_MAX 1024

struct csv_record {
    struct buffer bytes; /* of all fields */
    struct {
        size_t begin, length;
        bool is_null;
    } fields[CSV_FIELDS_MAX];
    size_t count; /* of fields; those above the ceiling are counted only */
};

enum csv_result { CSV_RECORD, CSV_END, CSV_OPEN_QUOTE /* the file ends in quotes */ };

/* Reads the next record; look at `bytes.failed`. A byte order mark is passed over by csv_begin. */
void csv_begin(FILE *file);
enum csv_result csv_next(FILE *file, struct csv_record *record);

/* Without data where it is null. */
struct text csv_field(const struct csv_record *record, size_t number);

#endif
