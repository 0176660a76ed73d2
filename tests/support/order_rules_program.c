/* SPDX-License-Identifier: Apache-2.0
 * Judges messages by order_rules.h with the schema of the example: reads one a line in hexadecimal digits, and writes
 * "bad", or "good", the event time and every field in order: numbers as they are, texts in hexadecimal digits behind a
 * colon, null as a dash. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order_rules.h"

static const struct rules_schema schema = {.fields = {{"order_id", RULES_TEXT, 0},
                                                      {"customer_id", RULES_TEXT, 0},
                                                      {"customer_segment", RULES_TEXT, 0},
                                                      {"product_id", RULES_TEXT, 0},
                                                      {"category", RULES_TEXT, 0},
                                                      {"amount", RULES_DECIMAL, 2},
                                                      {"quantity", RULES_INTEGER, 0},
                                                      {"status", RULES_TEXT, 0}},
                                           .key = 0,
                                           .event_time = "timestamp",
                                           .unit = RULES_RFC3339};

static void print_value(enum rules_kind kind, const struct rules_value *value)
{
    if (!value->present) {
        printf(" -");
    } else if (kind == RULES_TEXT) {
        printf(" :");
        for (size_t i = 0; i < value->length; i++)
            printf("%02x", (unsigned)(unsigned char)value->text[i]);
    } else {
        printf(" %" PRId64, value->number);
    }
}

/* Decodes in place; returns the number of bytes. */
static size_t decode_hex(char *line)
{
    size_t count = strspn(line, "0123456789abcdef") / 2;
    for (size_t i = 0; i < count; i++) {
        const char pair[] = {line[2 * i], line[2 * i + 1], '\0'};
        line[i] = (char)strtol(pair, NULL, 16);
    }
    return count;
}

int main(void)
{
    struct order_rules *rules = order_rules_new();
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) >= 0) {
        struct rules_order order;
        size_t length = decode_hex(line);
        bool good = order_rules_judge(rules, &schema, line, length, -1, &order);
        printf("%s", good ? "good" : "bad");
        if (good)
            printf(" %" PRId64, order.event_time_us);
        for (size_t i = 0; good && schema.fields[i].name; i++)
            print_value(schema.fields[i].kind, &order.values[i]);
        printf("\n");
    }
    free(line);
    order_rules_destroy(rules);
    return 0;
}
