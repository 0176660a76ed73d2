/* SPDX-License-Identifier: Apache-2.0
 * The `where` language: comparisons (= <> != < <= > >=), and, or, not, in, not in, is null, is not null, parentheses;
 * field names, 'text' (a quote is doubled), numbers, null, true, false. Words are case-insensitive, names are not.
 * Three-valued logic is SQL's: what isn't true doesn't count. Numbers compare exactly at any scale; text bytewise. */
#ifndef TIDEMARK_VIEW_EXPRESSION_H
#define TIDEMARK_VIEW_EXPRESSION_H

#include "base/arena.h"
#include "base/error.h"
#include "record/record.h"

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_NULL };

struct expression;

#define EXPRESSION_DEPTH_MAX 64 /* of nesting; deeper is refused */

/* Compiles `source` against the schema. On failure the error is ERROR_CONFIGURATION and *ret_position is the byte in
 * `source` where it went wrong; an unknown field names the one that was probably meant. Lives as long as the arena. */
bool expression_compile(struct text source, const struct schema *schema, struct arena *arena,
                        const struct expression **ret_expression, size_t *ret_position, struct error *error) MUST_CHECK;

enum truth expression_evaluate(const struct expression *expression, const struct value values[]);

/* Prints it as SQL for PostgreSQL, fully parenthesised: fields as quoted identifiers behind `prefix` ("o." gives
 * o."amount"), text literals escaped. The printed form is canonical, so fingerprints are made from it. */
void expression_print_sql(const struct expression *expression, const struct schema *schema, const char *prefix,
                          struct buffer *out);

/* The same for DuckDB, where a decimal is a DECIMAL of the field's scale and an integer a BIGINT: a number with more
 * digits than the field that it is compared with would be more than 38 digits together, so it is rounded to what means
 * the same.
 */
void expression_print_duckdb(const struct expression *expression, const struct schema *schema, const char *prefix,
                             struct buffer *out);
/* And for Spark, where identifiers stand in backticks and a backslash in a text is an escape. */
void expression_print_spark(const struct expression *expression, const struct schema *schema, struct buffer *out);

/* Marks the fields that it reads: used[field] = true. */
void expression_fields(const struct expression *expression, bool used[]);

#endif
