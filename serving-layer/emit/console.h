/* SPDX-License-Identifier: Apache-2.0
 * A sink for people: each micro-batch is a heading and a table on standard output. Each start begins anew. */
#ifndef TIDEMARK_EMIT_CONSOLE_H
#define TIDEMARK_EMIT_CONSOLE_H

#include "ports/sink_store.h"
#include "view/view.h"

/* The view must outlive it. */
bool console_open(const struct view *view, struct sink_store **ret_store, struct error *error) MUST_CHECK;

/* What is printed of a micro-batch of rows in ROW_LOCAL_COLUMNS, taken at `now_us` (wall clock). */
void console_append(const struct view *view, const struct micro_batch *batch, int64_t now_us, struct buffer *out);

#endif
