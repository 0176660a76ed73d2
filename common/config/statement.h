/* SPDX-License-Identifier: Apache-2.0
 * A statement of SQL that somebody wrote for a business day, and what may not be in it. */
#ifndef TIDEMARK_CONFIG_STATEMENT_H
#define TIDEMARK_CONFIG_STATEMENT_H

#include "base/arena.h"
#include "config/sql_token.h"

struct day_statement {
    /* As it was written, but that :date is $1 and CURRENT_DATE $2, each among blanks, so that every other character
     * stands where it stood; without a semicolon at its end. */
    const char *sql;
    bool has_day; /* one of them is in it */
};

/* What is expected of it. */
struct statement_rules {
    bool is_condition; /* it is what stands behind WHERE, and begins with no verb */
    bool takes_clocks; /* it may ask a clock, such as now() */
};

/* ERROR_CONFIGURATION, with *ret_position in bytes, where it is none or more than one, begins or ends a transaction, or
 * asks for parameters that aren't there, or for a clock that it may not ask. */
bool statement_read(struct text text, struct statement_rules rules, struct arena *arena,
                    struct day_statement *ret_statement, size_t *ret_position, struct error *error) MUST_CHECK;

/* Whether schema.table is named in it, both in lower case or as they are written between quotes. */
bool statement_names_table(const char *sql, const char *schema, const char *table);

/* A name of a table as it may be written in SQL, with a schema before it or none: `schema` is then empty. False where
 * it is anything else. */
bool table_name_read(struct text text, struct text *ret_schema);

/* Whether two such names may be of one table: a name without a schema is found in whichever has the table. */
bool table_names_may_meet(const char *a, const char *b);

/* The name of the table that "create table …" makes, as it is written; false where it is another statement. */
bool created_table_find(struct text text, struct text *ret_name);

#endif
