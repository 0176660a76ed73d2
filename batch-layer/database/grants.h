/* SPDX-License-Identifier: Apache-2.0
 * What was granted on an SQL view, which goes with it where it has to be made anew. */
#ifndef TIDEMARK_BATCH_GRANTS_H
#define TIDEMARK_BATCH_GRANTS_H

#include "batch.h"

/* Appends statements, each with "; " before it, that grant it again to others than its owner; nothing where there is no
 * such view. */
bool grants_read(struct batch *batch, const char *schema, const char *view, struct buffer *grants,
                 struct error *error) MUST_CHECK;

#endif
