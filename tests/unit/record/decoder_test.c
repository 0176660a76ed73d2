/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "record/record.h"

#define JANUARY_2026 INT64_C(1767225600000000)
#define ORDER(id) "{\"order_id\":\"" id "\",\"amount\":12.5,\"timestamp\":\"2026-01-01T00:00:00Z\"}"

static const struct field order_fields[] = {
    {"order_id", FIELD_TEXT, 0},
    {"status", FIELD_TEXT, 0},
    {"amount", FIELD_DECIMAL, 2},
    {"quantity", FIELD_INTEGER, 0},
};
static const struct schema orders = {order_fields, 4, 0, "timestamp", TIME_RFC3339, INT64_C(3600000000)};

static struct record accept_at(struct decoder *decoder, struct text payload, int64_t record_time_us)
{
    struct record record = {0};
    struct rejection rejection;
    if (decoder_decode(decoder, payload, record_time_us, &record, &rejection) != DECODE_GOOD) {
        fail_msg("%.*s: %s %s", (int)payload.length, payload.data, rejection.field, rejection.reason);
    }
    return record;
}

static struct record accept(struct decoder *decoder, const char *payload)
{
    return accept_at(decoder, text_of(payload), -1);
}

static struct rejection refuse(struct decoder *decoder, const char *payload)
{
    struct record untouched = {77, NULL}, record = untouched;
    struct rejection rejection = {0};
    assert_int_equal(decoder_decode(decoder, text_of(payload), -1, &record, &rejection), DECODE_REJECTED);
    assert_int_equal(record.event_time_us, untouched.event_time_us);
    assert_null(record.values);
    assert_non_null(rejection.reason);
    return rejection;
}

static void assert_text(const struct value *value, const char *expected)
{
    assert_true(value->present);
    assert_true(text_equal(value->text, text_of(expected)));
}

static void every_field_gets_its_value(void **state)
{
    struct decoder *decoder = decoder_new(&orders);
    struct record record = accept(decoder, "{\"quantity\":-3,\"status\":\"\\u00e9\\n\\ud83d\\ude00\",\"amount\":12.5,"
                                           "\"timestamp\":\"2026-01-01T00:00:00Z\",\"order_id\":\"o-1\"}");
    (void)state;
    assert_text(&record.values[0], "o-1");
    assert_text(&record.values[1], "\xc3\xa9\n\xf0\x9f\x98\x80");
    assert_int_equal(record.values[2].number, 1250);
    assert_int_equal(record.values[3].number, -3);
    assert_int_equal(record.event_time_us, JANUARY_2026);
    decoder_destroy(decoder);
}

static void null_and_absent_fields_are_not_present(void **state)
{
    struct decoder *decoder = decoder_new(&orders);
    accept(decoder, "{\"order_id\":\"a\",\"status\":\"x\",\"quantity\":1,\"amount\":1,"
                    "\"timestamp\":\"2026-01-01T00:00:00Z\"}");
    decoder_reset(decoder);
    struct record record = accept(decoder, "{\"order_id\":\"b\",\"status\":null,\"amount\":1,"
                                           "\"timestamp\":\"2026-01-01T00:00:00Z\"}");
    (void)state;
    assert_text(&record.values[0], "b");
    assert_false(record.values[1].present);
    assert_true(record.values[2].present);
    assert_false(record.values[3].present);
    decoder_destroy(decoder);
}

static void keys_in_any_order_and_with_escapes_find_their_fields(void **state)
{
    static const char *const messages[] = {
        "{\"order_id\":\"o\",\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\",\"status\":\"s\"}",
        "{\"order_id\":\"o\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"amount\":1,\"status\":\"s\"}",
        "{\"x\":[],\"order_id\":\"o\",\"amount\":1,\"y\":{},\"timestamp\":\"2026-01-01T00:00:00Z\",\"status\":\"s\"}",
        "{\"order_id\":\"o\",\"amount\":1,\"y\":1,\"timestamp\":\"2026-01-01T00:00:00Z\",\"status\":\"s\",\"x\":2}",
        "{\"\\u006frder_id\":\"o\",\"\\u0061mount\":1,\"timest\\u0061mp\":\"2026-01-01T00:00:00Z\",\"status\":\"s\"}",
    };
    const size_t count = sizeof messages / sizeof *messages;
    struct decoder *decoder = decoder_new(&orders);
    (void)state;
    for (size_t i = 0; i < count * count; i++) {
        accept(decoder, messages[i / count]);
        struct record record = accept(decoder, messages[i % count]);
        assert_text(&record.values[0], "o");
        assert_text(&record.values[1], "s");
        assert_int_equal(record.values[2].number, 100);
        assert_false(record.values[3].present);
    }
    decoder_destroy(decoder);
}

static const char in_place[] = "\"\\:,{}n20";
#define CHANGES (sizeof in_place - 1 + 3)

/* The text with its byte at `at` left out, doubled, followed by a blank, or replaced by one of in_place. */
static void change_byte(char out[], size_t size, const char *text, size_t at, size_t change)
{
    const char put[3][3] = {"", {text[at], text[at]}, {text[at], ' '}};
    const char replacement[2] = {change >= 3 ? in_place[change - 3] : '\0'};
    snprintf(out, size, "%.*s%s%s", (int)at, text, change < 3 ? put[change] : replacement, text + at + 1);
}

static void assert_same_record(const struct record *a, const struct record *b)
{
    assert_int_equal(a->event_time_us, b->event_time_us);
    for (size_t i = 0; i < orders.field_count; i++) {
        assert_int_equal(a->values[i].present, b->values[i].present);
        if (a->values[i].present && order_fields[i].type == FIELD_TEXT)
            assert_true(text_equal(a->values[i].text, b->values[i].text));
        else if (a->values[i].present)
            assert_int_equal(a->values[i].number, b->values[i].number);
    }
}

static void a_decoder_that_knows_an_order_of_keys_judges_like_one_that_has_seen_none(void **state)
{
    (void)state;
    static const char usual[] = "{\"order_id\":\"o\",\"amount\":12.50,\"quantity\":3,\"\":null,"
                                "\"timestamp\":\"2026-01-31T00:00:00Z\",\"status\":\"s\"}";
    struct decoder *warm = decoder_new(&orders);
    for (size_t at = 0; at < sizeof usual - 1; at++)
        for (size_t change = 0; change < CHANGES; change++) {
            accept(warm, usual);
            char changed[sizeof usual + 1];
            change_byte(changed, sizeof changed, usual, at, change);
            struct decoder *cold = decoder_new(&orders);
            struct record of_warm, of_cold;
            struct rejection by_warm, by_cold;
            enum decode_result result = decoder_decode(cold, text_of(changed), -1, &of_cold, &by_cold);
            assert_int_equal(decoder_decode(warm, text_of(changed), -1, &of_warm, &by_warm), result);
            if (result == DECODE_GOOD)
                assert_same_record(&of_warm, &of_cold);
            else
                assert_string_equal(by_warm.reason, by_cold.reason);
            decoder_destroy(cold);
            decoder_reset(warm);
        }
    decoder_destroy(warm);
}

static void long_undeclared_keys_are_told_apart_after_the_order_changed(void **state)
{
    static const char first[] = "{\"order_id\":\"o\",\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\","
                                "\"attribute/first/long\":1,\"attribute/other/long\":2,\"attribute/third/long\":3}";
    static const char second[] = "{\"attribute/other/long\":1,\"a\":0,\"attribute/first/long\":2,"
                                 "\"order_id\":\"o\",\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\"}";
    static const char duplicate[] = "{\"attribute/other/long\":1,\"a\":0,\"attribute/other/long\":2,"
                                    "\"order_id\":\"o\",\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\"}";
    struct decoder *decoder = decoder_new(&orders);
    (void)state;
    for (int round = 0; round < 3; round++) {
        accept(decoder, first);
        accept(decoder, second);
        assert_string_equal(refuse(decoder, duplicate).reason, "duplicate key");
    }
    decoder_destroy(decoder);
}

static void records_stay_valid_until_the_batch_is_reset(void **state)
{
    enum { COUNT = 20000 };
    struct decoder *decoder = decoder_new(&orders);
    struct record *records = calloc(COUNT, sizeof *records);
    char message[200], key[40];
    (void)state;
    assert_non_null(records);
    for (int batch = 0; batch < 2; batch++) {
        for (int i = 0; i < COUNT; i++) {
            snprintf(message, sizeof message,
                     "{\"order_id\":\"%d/%d\",\"amount\":%d,\"timestamp\":\"2026-01-01T00:00:00Z\"}", batch, i, i);
            records[i] = accept(decoder, message);
            memset(message, 'x', sizeof message);
            refuse(decoder, "{\"order_id\":\"overwritten\",\"amount\":null}");
        }
        for (int i = 0; i < COUNT; i++) {
            snprintf(key, sizeof key, "%d/%d", batch, i);
            assert_text(&records[i].values[0], key);
            assert_int_equal(records[i].values[2].number, i * 100);
        }
        decoder_reset(decoder);
    }
    free(records);
    decoder_destroy(decoder);
}

static void rejections_name_the_field_and_the_reason(void **state)
{
    static const struct {
        const char *message, *field, *reason;
    } cases[] = {
        {"", "", "empty"},
        {"null", "", "not an object"},
        {"{", "", "not JSON"},
        {"{\"a\":\"\xff\"}", "", "not UTF-8"},
        {"{} {}", "", "more than one object"},
        {"{\"a\":\"\\x\"}", "", "invalid escape in a string"},
        {"{\"a\":1,\"a\":2}", "", "duplicate key"},
        {"{\"a\":{\"a\":1,\"a\":2}}", "", "duplicate key"},
        {"{}", "order_id", "absent"},
        {"[{}]", "", "a list, not an object"},
        {" \"{}\"", "", "a string, not an object"},
        {"\xEF\xBB\xBF{}", "", "begins with a byte order mark"},
        {"\xFE\xFF{}", "", "UTF-16, not UTF-8"},
        {"{\"order_id\":null}", "order_id", "null"},
        {"{\"order_id\":7}", "order_id", "a number, not a string"},
        {"{\"order_id\":[\"a\"]}", "order_id", "a list, not a string"},
        {"{\"order_id\":\"\"}", "order_id", "an empty key"},
        {"{\"order_id\":\"a\"}", "amount", "absent"},
        {"{\"order_id\":\"a\",\"amount\":1}", "timestamp", "absent"},
        {"{\"amount\":null}", "amount", "null"},
        {"{\"amount\":\"1.50\"}", "amount", "a number in quotes"},
        {"{\"amount\":\"much\"}", "amount", "a string, not a number"},
        {"{\"amount\":true}", "amount", "true or false, not a number"},
        {"{\"amount\":[1]}", "amount", "a list, not a number"},
        {"{\"amount\":{}}", "amount", "an object, not a number"},
        {"{\"amount\":}", "amount", "not JSON"},
        {"{\"amount\":1.5x}", "amount", "not JSON"},
        {"{\"amount\":0.001}", "amount", "more than 2 digits behind the point"},
        {"{\"amount\":1e-3}", "amount", "more than 2 digits behind the point"},
        {"{\"amount\":1000000000000000}", "amount", "10^15 or more"},
        {"{\"amount\":-1e15}", "amount", "10^15 or more"},
        {"{\"quantity\":1.5}", "quantity", "a fraction or an exponent, not an integer"},
        {"{\"quantity\":1e3}", "quantity", "a fraction or an exponent, not an integer"},
        {"{\"quantity\":9223372036854775808}", "quantity", "an integer beyond 64 bits"},
        {"{\"quantity\":\"7\"}", "quantity", "a number in quotes"},
        {"{\"quantity\":\"seven\"}", "quantity", "a string, not an integer"},
        {"{\"status\":7}", "status", "a number, not a string"},
        {"{\"status\":false}", "status", "true or false, not a string"},
        {"{\"status\":\"\\u0000\"}", "status", "a NUL character in a text"},
        {"{\"status\":\"\\ud800\"}", "status", "a lone surrogate in a text"},
        {"{\"timestamp\":null}", "timestamp", "null"},
        {"{\"timestamp\":\"soon\"}", "timestamp", "not spelled as an RFC 3339 time, such as 2026-01-31T12:00:00Z"},
        {"{\"timestamp\":\"1999-12-31T23:59:59\"}", "timestamp", "a time before 2000 or after 2099"},
        {"{\"timestamp\":\"2100-01-01T00:00:00Z\"}", "timestamp", "a time before 2000 or after 2099"},
        {"{\"timestamp\":\"2026-01-01\"}", "timestamp", "a date without a time of day"},
        {"{\"timestamp\":\"1767225600\"}", "timestamp", "a number in quotes"},
        {"{\"timestamp\":1767225600}", "timestamp", "a time in seconds, not an RFC 3339 text"},
        {"{\"timestamp\":1767225600000}", "timestamp", "a time in milliseconds, not an RFC 3339 text"},
        {"{\"timestamp\":7}", "timestamp", "a number, not an RFC 3339 time"},
        {"{\"timestamp\":1.5}", "timestamp", "a number, not an RFC 3339 time"},
        {"{\"timestamp\":{}}", "timestamp", "an object, not an RFC 3339 time"},
    };
    struct decoder *decoder = decoder_new(&orders);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rejection rejection = refuse(decoder, cases[i].message);
        assert_string_equal(rejection.field, cases[i].field);
        assert_string_equal(rejection.reason, cases[i].reason);
    }
    decoder_destroy(decoder);
}

static void a_message_that_is_more_than_an_object_is_told_by_what_it_has_more(void **state)
{
    static const struct {
        const char *message;
        size_t length;
        const char *reason;
    } cases[] = {
        {"\0\0\0\0\1{}", 7, "begins with the five bytes of a schema registry"},
        {"\0\0\0\1\2\6abc\xff", 10, "begins with the five bytes of a schema registry"},
        {"{}\0", 3, "a NUL behind the object"},
        {"{}\n\0\0", 5, "a NUL behind the object"},
        {"\0{}", 3, "not an object"},
        {"\0", 1, "not an object"},
    };
    struct decoder *decoder = decoder_new(&orders);
    struct record record;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rejection rejection;
        assert_int_equal(
            decoder_decode(decoder, (struct text){cases[i].message, cases[i].length}, -1, &record, &rejection),
            DECODE_REJECTED);
        assert_string_equal(rejection.field, "");
        assert_string_equal(rejection.reason, cases[i].reason);
    }
    decoder_destroy(decoder);
}

static void an_event_time_in_another_unit_is_told_by_that(void **state)
{
    static const struct field fields[] = {{"id", FIELD_TEXT, 0}};
    static const struct {
        enum time_unit unit;
        const char *message, *reason;
    } cases[] = {
        {TIME_MILLISECONDS, "{\"at\":1767225600}", "a time in seconds, not in milliseconds"},
        {TIME_MILLISECONDS, "{\"at\":1767225600000000}", "a time in microseconds, not in milliseconds"},
        {TIME_SECONDS, "{\"at\":1767225600000}", "a time in milliseconds, not in seconds"},
        {TIME_MICROSECONDS, "{\"at\":1767225600000000000}", "a time in nanoseconds, not in microseconds"},
        {TIME_SECONDS, "{\"at\":17}", "a time before 2000 or after 2099"},
        {TIME_SECONDS, "{\"at\":99999999999999999999}", "a time before 2000 or after 2099"},
        {TIME_SECONDS, "{\"at\":1767225600.5}", "a fraction or an exponent, not an integer"},
        {TIME_SECONDS, "{\"at\":\"1767225600\"}", "a number in quotes"},
        {TIME_SECONDS, "{\"at\":\"2026-01-01T00:00:00Z\"}", "an RFC 3339 time, not a number"},
        {TIME_SECONDS, "{\"at\":\"soon\"}", "a string, not a number"},
        {TIME_SECONDS, "{\"at\":null}", "null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct schema schema = {fields, 1, 0, "at", cases[i].unit, 0};
        struct decoder *decoder = decoder_new(&schema);
        struct rejection rejection = refuse(decoder, cases[i].message);
        assert_string_equal(rejection.field, "at");
        assert_string_equal(rejection.reason, cases[i].reason);
        decoder_destroy(decoder);
    }
}

static void an_event_time_may_be_an_hour_after_its_record_and_no_more(void **state)
{
    struct decoder *decoder = decoder_new(&orders);
    struct text payload = text_of(ORDER("o"));
    int64_t hour = orders.max_future_us;
    struct record record;
    struct rejection rejection;
    (void)state;
    accept_at(decoder, payload, JANUARY_2026 + 5 * hour);
    accept_at(decoder, payload, JANUARY_2026 - hour);
    assert_int_equal(decoder_decode(decoder, payload, JANUARY_2026 - hour - 1, &record, &rejection), DECODE_REJECTED);
    assert_string_equal(rejection.field, "timestamp");
    assert_string_equal(rejection.reason, "too far after its record's time");
    assert_int_equal(decoder_decode(decoder, payload, 0, &record, &rejection), DECODE_REJECTED);
    accept_at(decoder, payload, -1);
    decoder_destroy(decoder);
}

static void an_event_time_can_be_an_integer_in_a_unit(void **state)
{
    static const struct field fields[] = {{"id", FIELD_TEXT, 0}};
    static const struct schema milliseconds = {fields, 1, 0, "at", TIME_MILLISECONDS, 0};
    struct decoder *decoder = decoder_new(&milliseconds);
    (void)state;
    assert_int_equal(accept(decoder, "{\"id\":\"a\",\"at\":1767225600123}").event_time_us, JANUARY_2026 + 123000);
    refuse(decoder, "{\"id\":\"a\",\"at\":1767225600123.0}");
    refuse(decoder, "{\"id\":\"a\",\"at\":1.767225600123e12}");
    refuse(decoder, "{\"id\":\"a\",\"at\":\"1767225600123\"}");
    refuse(decoder, "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\"}");
    refuse(decoder, "{\"id\":\"a\",\"at\":1767225600}");
    refuse(decoder, "{\"id\":\"a\",\"at\":99999999999999999999}");
    refuse(decoder, "{\"id\":\"a\",\"at\":null}");
    decoder_destroy(decoder);
}

static void an_event_time_that_is_a_field_fills_both(void **state)
{
    static const struct field text_fields[] = {{"at", FIELD_TEXT, 0}}, number_fields[] = {{"at", FIELD_INTEGER, 0}};
    static const struct schema text = {text_fields, 1, FIELD_NONE, "at", TIME_RFC3339, 0};
    static const struct schema number = {number_fields, 1, FIELD_NONE, "at", TIME_SECONDS, 0};
    struct decoder *decoder = decoder_new(&text);
    struct record record = accept(decoder, "{\"at\":\"2026-01-01T01:00:00+01:00\"}");
    (void)state;
    assert_int_equal(record.event_time_us, JANUARY_2026);
    assert_text(&record.values[0], "2026-01-01T01:00:00+01:00");
    refuse(decoder, "{\"at\":null}");
    refuse(decoder, "{}");
    decoder_destroy(decoder);
    decoder = decoder_new(&number);
    record = accept(decoder, "{\"at\":1767225600}");
    assert_int_equal(record.event_time_us, JANUARY_2026);
    assert_int_equal(record.values[0].number, 1767225600);
    decoder_destroy(decoder);
}

static void a_source_may_have_no_key_and_the_most_fields(void **state)
{
    struct field fields[FIELDS_MAX];
    char names[FIELDS_MAX][16];
    struct buffer message = {0};
    buffer_append_string(&message, "{\"at\":\"2026-01-01T00:00:00Z\"");
    for (int i = 0; i < FIELDS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        fields[i] = (struct field){names[i], FIELD_DECIMAL, 0};
        buffer_appendf(&message, ",\"f%d\":%d", i, i);
    }
    buffer_append_string(&message, "}");
    struct schema schema = {fields, FIELDS_MAX, FIELD_NONE, "at", TIME_RFC3339, 0};
    struct decoder *decoder = decoder_new(&schema);
    (void)state;
    for (int round = 0; round < 3; round++) {
        struct record record = accept(decoder, buffer_string(&message));
        for (int i = 0; i < FIELDS_MAX; i++) {
            assert_int_equal(record.values[i].number, i);
        }
    }
    buffer_clean_up(&message);
    decoder_destroy(decoder);
}

static void a_flag_that_is_wanted_is_true_or_false(void **state)
{
    static const char *const words[] = {"true", "false", "null"};
    static const enum flag flags[] = {FLAG_TRUE, FLAG_FALSE, FLAG_FALSE};
    struct decoder *decoder = decoder_new(&orders);
    char message[200];
    (void)state;
    decoder_want_flag(decoder, "live");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        snprintf(message, sizeof message,
                 "{\"order_id\":\"a\",\"live\":%s,\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\"}", words[i]);
        (void)accept(decoder, message);
        assert_int_equal(decoder_flag(decoder), flags[i]);
    }
    (void)accept(decoder, ORDER("b"));
    assert_int_equal(decoder_flag(decoder), FLAG_ABSENT);
    static const char *const wrong[] = {"1", "\"true\"", "[]", "{}", "truer"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(message, sizeof message,
                 "{\"order_id\":\"a\",\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\",\"live\":%s}", wrong[i]);
        assert_non_null(refuse(decoder, message).reason);
    }
    decoder_destroy(decoder);
}

/* An order that is `length` bytes long by an undeclared string. */
static char *long_order(size_t length)
{
    static const char head[] = "{\"order_id\":\"o\",\"amount\":1,\"timestamp\":\"2026-01-01T00:00:00Z\",\"x\":\"";
    char *message = malloc(length);
    assert_non_null(message);
    memset(message, 'x', length);
    memcpy(message, head, sizeof head - 1);
    memcpy(message + length - 2, "\"}", 2);
    return message;
}

static void a_message_may_be_1_mebibyte_long_and_no_longer(void **state)
{
    const size_t most = MESSAGE_BYTES_MAX;
    struct decoder *decoder = decoder_new(&orders);
    struct record record;
    struct rejection rejection;
    char *message = long_order(most), *longer = long_order(most + 1);
    (void)state;
    assert_text(&accept(decoder, ORDER("short")).values[0], "short");
    assert_text(&accept_at(decoder, (struct text){message, most}, -1).values[0], "o");
    assert_int_equal(decoder_decode(decoder, (struct text){longer, most + 1}, -1, &record, &rejection),
                     DECODE_REJECTED);
    assert_string_equal(rejection.reason, "longer than 1 MiB");
    decoder_reset(decoder);
    assert_text(&accept(decoder, ORDER("again")).values[0], "again");
    free(message);
    free(longer);
    decoder_destroy(decoder);
}

static void schema_fields_are_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(schema_field(&orders, text_of("order_id")), 0);
    assert_int_equal(schema_field(&orders, text_of("quantity")), 3);
    assert_true(schema_field(&orders, text_of("timestamp")) == FIELD_NONE);
    assert_true(schema_field(&orders, text_of("quant")) == FIELD_NONE);
    assert_true(schema_field(&orders, text_of("")) == FIELD_NONE);
}

static void destroying_nothing_is_allowed(void **state)
{
    (void)state;
    decoder_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_gets_its_value),
        cmocka_unit_test(null_and_absent_fields_are_not_present),
        cmocka_unit_test(keys_in_any_order_and_with_escapes_find_their_fields),
        cmocka_unit_test(a_decoder_that_knows_an_order_of_keys_judges_like_one_that_has_seen_none),
        cmocka_unit_test(long_undeclared_keys_are_told_apart_after_the_order_changed),
        cmocka_unit_test(records_stay_valid_until_the_batch_is_reset),
        cmocka_unit_test(rejections_name_the_field_and_the_reason),
        cmocka_unit_test(a_message_that_is_more_than_an_object_is_told_by_what_it_has_more),
        cmocka_unit_test(an_event_time_in_another_unit_is_told_by_that),
        cmocka_unit_test(an_event_time_may_be_an_hour_after_its_record_and_no_more),
        cmocka_unit_test(an_event_time_can_be_an_integer_in_a_unit),
        cmocka_unit_test(an_event_time_that_is_a_field_fills_both),
        cmocka_unit_test(a_source_may_have_no_key_and_the_most_fields),
        cmocka_unit_test(a_flag_that_is_wanted_is_true_or_false),
        cmocka_unit_test(a_message_may_be_1_mebibyte_long_and_no_longer),
        cmocka_unit_test(schema_fields_are_found_by_name),
        cmocka_unit_test(destroying_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
