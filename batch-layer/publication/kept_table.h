/* SPDX-License-Identifier: Apache-2.0
 * The table of a view stays the same table when the view is computed from nothing or defined anew, so that grants,
 * comments, indexes and whatever depends on it stay too: it gets the columns that are new, loses those that are gone,
 * and its rows are replaced. A column that somebody else's object uses is neither dropped nor given another type;
 * columns that somebody added are left alone. */
#ifndef TIDEMARK_BATCH_KEPT_TABLE_H
#define TIDEMARK_BATCH_KEPT_TABLE_H

#include "batch.h"

/* *ret_exists: something has the name of the view's table. */
bool kept_table_exists(struct batch *batch, const struct view *view, bool *ret_exists, struct error *error) MUST_CHECK;

/* Appends to `ret_refusal` which columns would go or get another type though somebody uses them, and who, where the
 * table is to get the columns of `wanted`, a table of the view's definition; nothing where it can. */
bool kept_table_check(struct batch *batch, const struct view *view, const char *wanted, struct buffer *ret_refusal,
                      struct error *error) MUST_CHECK;

/* Gives the table the columns and the rows of `wanted`. Where the table's users are in the way, or something that they
 * put upon it (a constraint, a trigger), nothing of it is changed, and `ret_refusal` says why: the transaction can go
 * on. Readers see the old rows until it is committed. */
bool kept_table_replace(struct batch *batch, const struct view *view, const char *wanted, struct buffer *ret_refusal,
                        struct error *error) MUST_CHECK;

#endif
