/* SPDX-License-Identifier: Apache-2.0
 * The rules by which a message is an order, once more and in another way: what common/record does is compared with it.
 *
 * Nothing here calls the platform's code. A message is decoded to code points first, then read by recursive descent
 * into a tree, and only the tree is judged; numbers are worked out digit by digit on a grid of places. It is written to
 * be plainly right and not to be fast. The Python oracle (oracle.py) checks it in turn. */
#ifndef TIDEMARK_TESTS_ORDER_RULES_H
#define TIDEMARK_TESTS_ORDER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_FIELDS_MAX 16
#define RULES_NO_FIELD SIZE_MAX

enum rules_kind { RULES_TEXT, RULES_INTEGER, RULES_DECIMAL };
enum rules_unit { RULES_RFC3339, RULES_SECONDS, RULES_MILLISECONDS, RULES_MICROSECONDS };

struct rules_schema {
    struct rules_field {
        const char *name; /* NULL ends the fields */
        enum rules_kind kind;
        unsigned scale;
    } fields[RULES_FIELDS_MAX + 1];
    size_t key; /* or RULES_NO_FIELD */
    const char *event_time;
    enum rules_unit unit;
    int64_t max_future_us;
};

struct rules_order {
    int64_t event_time_us;
    struct rules_value {
        bool present;
        int64_t number;
        const char *text; /* valid until the next message */
        size_t length;
    } values[RULES_FIELDS_MAX];
};

/* Memory for one message after the other; aborts where there is none. */
struct order_rules;
struct order_rules *order_rules_new(void);
void order_rules_destroy(struct order_rules *rules);

/* Whether the message is an order by the schema; `record_time_us` is -1 where the record has no time. */
bool order_rules_judge(struct order_rules *rules, const struct rules_schema *schema, const void *message, size_t length,
                       int64_t record_time_us, struct rules_order *ret_order);

/* Whether this is one JSON text (RFC 8259) in UTF-8, at most 64 levels deep, without a duplicate key. */
bool order_rules_is_json(struct order_rules *rules, const void *message, size_t length);

bool rules_is_utf8(const char *text, size_t length);

/* The parts, each of a text without anything around it. */
bool rules_decimal(const char *text, size_t length, unsigned scale, int64_t *ret_minor);
bool rules_integer(const char *text, size_t length, int64_t *ret_integer);
bool rules_time(const char *text, size_t length, int64_t *ret_us);

#endif
