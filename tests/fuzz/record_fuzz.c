/* SPDX-License-Identifier: Apache-2.0
 * Decodes any bytes and checks what must hold of every answer. The decoder lives on, as it does in a program, so that
 * what it remembers of earlier messages is part of what is tried; a new one must give the same verdict. */
#include <stdint.h>
#include <stdlib.h>

#include "record/record.h"

#define FIRST_US INT64_C(946684800000000)
#define END_US INT64_C(4102444800000000)
#define MINOR_END INT64_C(100000000000000000)

static const struct field fields[] = {
    {"order_id", FIELD_TEXT, 0},
    {"status", FIELD_TEXT, 0},
    {"amount", FIELD_DECIMAL, 2},
    {"quantity", FIELD_INTEGER, 0},
};
enum { ORDER_ID, STATUS, AMOUNT, QUANTITY, FIELDS };
static const struct schema schema = {fields, FIELDS, ORDER_ID, "timestamp", TIME_RFC3339, 0};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_text(struct text text)
{
    require(text.length == 0 || memchr(text.data, 0, text.length) == NULL);
}

static void check_record(const struct record *record, size_t payload_length)
{
    const struct value *values = record->values;
    require(record->event_time_us >= FIRST_US && record->event_time_us < END_US);
    require(values[ORDER_ID].present && values[AMOUNT].present);
    require(values[ORDER_ID].text.length >= 1 && values[ORDER_ID].text.length <= KEY_BYTES_MAX);
    require(values[AMOUNT].number > -MINOR_END && values[AMOUNT].number < MINOR_END);
    check_text(values[ORDER_ID].text);
    if (values[STATUS].present) {
        require(values[STATUS].text.length < payload_length);
        check_text(values[STATUS].text);
    }
}

static bool same_value(const struct value *a, const struct value *b, enum field_type type)
{
    if (a->present != b->present || !a->present) {
        return a->present == b->present;
    }
    return type == FIELD_TEXT ? text_equal(a->text, b->text) : a->number == b->number;
}

static void check_same(const struct record *a, const struct record *b)
{
    require(a->event_time_us == b->event_time_us);
    for (size_t i = 0; i < FIELDS; i++) {
        require(same_value(&a->values[i], &b->values[i], fields[i].type));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoder *lasting;
    if (!lasting) {
        lasting = decoder_new(&schema);
    }
    struct decoder *fresh = decoder_new(&schema);
    struct text payload = {(const char *)data, size};
    struct record lasting_record, fresh_record;
    struct rejection rejection = {NULL, NULL};
    require(lasting && fresh);
    bool good = decoder_decode(lasting, payload, -1, &lasting_record, &rejection);
    require(good || (rejection.field && rejection.reason));
    require(decoder_decode(fresh, payload, -1, &fresh_record, &rejection) == good);
    if (good) {
        check_record(&lasting_record, size);
        check_same(&lasting_record, &fresh_record);
    }
    decoder_destroy(fresh);
    decoder_reset(lasting);
    return 0;
}
