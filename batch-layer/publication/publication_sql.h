/* SPDX-License-Identifier: Apache-2.0
 * The publishing transaction as SQL, but for versions (merge.h) and rows (rebuild.h). */
#ifndef TIDEMARK_BATCH_PUBLICATION_SQL_H
#define TIDEMARK_BATCH_PUBLICATION_SQL_H

#include "run/batch_store.h"

/* As batch_store_operations says. */
bool publication_begin(struct publishing *publishing, struct error *error) MUST_CHECK;
bool publication_write(struct publishing *publishing, struct error *error) MUST_CHECK;
bool publication_commit(struct publishing *publishing, struct error *error) MUST_CHECK;
bool publication_was_committed(struct publishing *publishing, bool *ret_committed, struct error *error) MUST_CHECK;

#endif
