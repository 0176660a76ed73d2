/* SPDX-License-Identifier: Apache-2.0
 * What the master dataset holds of a partition, row by row. The functions are those of master_operations. */
#ifndef TIDEMARK_BATCH_ROWS_H
#define TIDEMARK_BATCH_ROWS_H

#include "master/master.h"

bool rows_read(struct batch *batch, const struct source *source, int32_t partition, int64_t from, int64_t to,
               struct master_rows **ret_rows, struct error *error) MUST_CHECK;
bool rows_next(struct master_rows *rows, struct master_row *ret_row);
void rows_destroy(struct master_rows *rows);

#endif
