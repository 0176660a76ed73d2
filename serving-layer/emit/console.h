/* SPDX-License-Identifier: Apache-2.0
 * A sink for people: each micro-batch is a heading and a table on standard output. Each start begins anew; while it is
 * open it remembers what it has printed. */
#ifndef TIDEMARK_EMIT_CONSOLE_H
#define TIDEMARK_EMIT_CONSOLE_H

#include "ports/sink_store.h"
#include "view/view.h"

/* The view must outlive it. Where what it remembers exceeds `bytes_max`, the older half is forgotten. */
bool console_open(const struct view *view, size_t bytes_max, struct sink_store **ret_store,
                  struct error *error) MUST_CHECK;

/* What is printed of a micro-batch of rows in ROW_LOCAL_COLUMNS: the last column says whether a row is final, or which
 * revision it is, from the second on, or that it was removed. Taken at `now_us` (wall clock). */
void console_append(const struct view *view, const struct micro_batch *batch, int64_t now_us, struct buffer *out);

#endif
