/* SPDX-License-Identifier: Apache-2.0
 * The `where` language once more and in another way: read and worked out in one go for one row, without a tree, and
 * with numbers compared as digits. What common/view does is compared with it; nothing here calls the platform's code.
 */
#ifndef TIDEMARK_TESTS_WHERE_RULES_H
#define TIDEMARK_TESTS_WHERE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ordered, so that `and` is the smaller, `or` the larger of two and `not` turns the sign. */
enum where_truth { WHERE_FALSE = -1, WHERE_NULL = 0, WHERE_TRUE = 1 };

/* As it stands in a configuration; or as it is printed for PostgreSQL: "names" in quotes, E'\\' and NULL::boolean. */
enum where_dialect { WHERE_CONFIGURED, WHERE_SQL };

struct where_field {
    const char *name; /* NULL ends the fields */
    bool is_text;
    unsigned scale; /* of a number */
};

struct where_value {
    bool present;
    int64_t number; /* in units of its last digit */
    const char *text;
    size_t length;
};

/* False where the source isn't an expression. *ret_used has bit i where field i is named. */
bool where_rules(const char *source, size_t length, enum where_dialect dialect, const struct where_field fields[],
                 const struct where_value values[], enum where_truth *ret_truth, uint64_t *ret_used);

/* What is printed for PostgreSQL, as it would stand in a configuration; the caller frees it. Aborts without memory. */
char *where_of_sql(const char *sql);

#endif
