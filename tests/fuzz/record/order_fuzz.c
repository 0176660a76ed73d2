/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as an order: the decoder must give the verdict, the time and the values that independent rules give.
 *
 * The first byte chooses the schema: '0', '1', … without a record time, 'a', 'b', … with one. The decoders live on, as
 * they do in a program, so that what they remember of earlier messages is part of what is tried. */
#include "fuzz.h"
#include "order_rules.h"
#include "record/record.h"

#define RECORD_TIME_US INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */
#define SCHEMAS 5

static const struct rules_schema schemas[SCHEMAS] = {
    {.fields = {{"order_id", RULES_TEXT, 0},
                {"customer_id", RULES_TEXT, 0},
                {"customer_segment", RULES_TEXT, 0},
                {"product_id", RULES_TEXT, 0},
                {"category", RULES_TEXT, 0},
                {"amount", RULES_DECIMAL, 2},
                {"quantity", RULES_INTEGER, 0},
                {"status", RULES_TEXT, 0}},
     .key = 0,
     .event_time = "timestamp",
     .unit = RULES_RFC3339,
     .max_future_us = INT64_C(3600000000)},
    {.fields = {{"a", RULES_DECIMAL, 0}, {"n", RULES_INTEGER, 0}},
     .key = RULES_NO_FIELD,
     .event_time = "t",
     .unit = RULES_MILLISECONDS,
     .max_future_us = 0},
    {.fields = {{"id", RULES_TEXT, 0}, {"at", RULES_INTEGER, 0}, {"price", RULES_DECIMAL, 3}},
     .key = 0,
     .event_time = "at",
     .unit = RULES_SECONDS,
     .max_future_us = INT64_C(60000000)},
    {.fields = {{"gross", RULES_DECIMAL, 1}, {"net", RULES_DECIMAL, 1}, {"a_name_longer_than_16_bytes", RULES_TEXT, 0}},
     .key = 2,
     .event_time = "Zeit µs",
     .unit = RULES_MICROSECONDS,
     .max_future_us = INT64_C(1000000)},
    {.fields = {{"k", RULES_TEXT, 0}, {"when", RULES_TEXT, 0}, {"a_name_longer_than_16_bytez", RULES_INTEGER, 0}},
     .key = 1,
     .event_time = "when",
     .unit = RULES_RFC3339,
     .max_future_us = INT64_C(86400000000)},
};

struct subject {
    struct field fields[RULES_FIELDS_MAX];
    struct schema schema;
    struct decoder *decoder;
};

static struct subject subjects[SCHEMAS];
static struct order_rules *rules;

static void make_subject(const struct rules_schema *from, struct subject *subject)
{
    static const enum field_type types[] = {FIELD_TEXT, FIELD_INTEGER, FIELD_DECIMAL};
    static const enum time_unit units[] = {TIME_RFC3339, TIME_SECONDS, TIME_MILLISECONDS, TIME_MICROSECONDS};
    struct schema *schema = &subject->schema;
    for (size_t i = 0; from->fields[i].name; i++, schema->field_count++)
        subject->fields[i] = (struct field){from->fields[i].name, types[from->fields[i].kind], from->fields[i].scale};
    schema->fields = subject->fields;
    schema->key = from->key == RULES_NO_FIELD ? FIELD_NONE : from->key;
    schema->event_time = from->event_time;
    schema->event_time_unit = units[from->unit];
    schema->max_future_us = from->max_future_us;
    subject->decoder = decoder_new(schema);
    REQUIRE(subject->decoder);
}

static void compare_value(enum field_type type, const struct value *value, const struct rules_value *expected)
{
    REQUIRE(value->present == expected->present);
    if (!value->present)
        return;
    if (type == FIELD_TEXT)
        REQUIRE(text_equal(value->text, (struct text){expected->text, expected->length}));
    else
        REQUIRE(value->number == expected->number);
}

static void compare(struct subject *subject, const struct rules_schema *schema, struct text message, int64_t record_us)
{
    struct rules_order expected;
    struct record record;
    struct rejection rejection = {NULL, NULL};
    bool good = decoder_decode(subject->decoder, message, record_us, &record, &rejection) == DECODE_GOOD;
    REQUIRE(order_rules_judge(rules, schema, message.data, message.length, record_us, &expected) == good);
    REQUIRE(good || (rejection.field && rejection.reason));
    if (!good)
        return;
    REQUIRE(record.event_time_us == expected.event_time_us);
    for (size_t i = 0; i < subject->schema.field_count; i++)
        compare_value(subject->fields[i].type, &record.values[i], &expected.values[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!rules) {
        rules = order_rules_new();
        for (size_t i = 0; i < SCHEMAS; i++)
            make_subject(&schemas[i], &subjects[i]);
    }
    if (size == 0)
        return 0;
    bool has_time = data[0] >= 'a' && data[0] < 'a' + SCHEMAS;
    size_t number = (unsigned)(data[0] - (has_time ? 'a' : '0')) % SCHEMAS;
    struct text message = {(const char *)data + 1, size - 1};
    compare(&subjects[number], &schemas[number], message, has_time ? RECORD_TIME_US : -1);
    decoder_reset(subjects[number].decoder);
    return 0;
}
