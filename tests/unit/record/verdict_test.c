/* SPDX-License-Identifier: Apache-2.0
 * What makes a message bad, as tables: each entry is put into an order that is otherwise good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "record/record.h"

#define ORDER "\"order_id\":\"o\""
#define AMOUNT "\"amount\":1"
#define TIME "\"timestamp\":\"2026-01-01T00:00:00Z\""
#define GOOD ORDER "," AMOUNT "," TIME
#define GOOD_ENTRY(json)                                                                                               \
    {                                                                                                                  \
        json, sizeof(json) - 1, true                                                                                   \
    }
#define BAD_ENTRY(json)                                                                                                \
    {                                                                                                                  \
        json, sizeof(json) - 1, false                                                                                  \
    }

struct entry {
    const char *json;
    size_t length;
    bool good;
};

static const struct field fields[] = {
    {"order_id", FIELD_TEXT, 0},  {"customer_id", FIELD_TEXT, 0}, {"status", FIELD_TEXT, 0},
    {"amount", FIELD_DECIMAL, 2}, {"quantity", FIELD_INTEGER, 0},
};
static const struct schema schema = {fields, sizeof fields / sizeof *fields, 0, "timestamp", TIME_RFC3339, 0};

/* Decodes "before ENTRY after" in a new decoder, and again after a good order whose keys it then knows. */
static void check(const char *before, const struct entry *entry, const char *after)
{
    static const char good[] = "{" GOOD "}";
    struct buffer message = {0};
    struct record record;
    struct rejection rejection;
    buffer_append_string(&message, before);
    buffer_append(&message, entry->json, entry->length);
    buffer_append_string(&message, after);
    for (int warm = 0; warm < 2; warm++) {
        struct decoder *decoder = decoder_new(&schema);
        assert_non_null(decoder);
        if (warm) {
            assert_int_equal(decoder_decode(decoder, text_of(good), -1, &record, &rejection), DECODE_GOOD);
        }
        bool good_message = decoder_decode(decoder, buffer_text(&message), -1, &record, &rejection) == DECODE_GOOD;
        if (good_message != entry->good) {
            fail_msg("%s: %s", buffer_string(&message), good_message ? "accepted" : rejection.reason);
        }
        decoder_destroy(decoder);
    }
    buffer_clean_up(&message);
}

static void check_all(const char *before, const struct entry *entries, size_t count, const char *after)
{
    for (size_t i = 0; i < count; i++) {
        check(before, &entries[i], after);
    }
}

#define CHECK_ALL(before, entries, after) check_all(before, entries, sizeof(entries) / sizeof *(entries), after)

static void the_whole_message_is_one_json_object_in_utf_8(void **state)
{
    static const struct entry entries[] = {
        GOOD_ENTRY("{" GOOD "}"),
        GOOD_ENTRY(" \t\r\n{ " GOOD "\n}\r\n "),
        GOOD_ENTRY("{" ORDER " , " AMOUNT "\n,\t" TIME " }"),
        BAD_ENTRY(""),
        BAD_ENTRY(" "),
        BAD_ENTRY("null"),
        BAD_ENTRY("{}"),
        BAD_ENTRY("[]"),
        BAD_ENTRY("[{" GOOD "}]"),
        BAD_ENTRY("\"a\""),
        BAD_ENTRY("{" GOOD),
        BAD_ENTRY("{" GOOD ","),
        BAD_ENTRY("{" GOOD ",}"),
        BAD_ENTRY("{," GOOD "}"),
        BAD_ENTRY("{" GOOD "]"),
        BAD_ENTRY("{" GOOD "}}"),
        BAD_ENTRY("{" GOOD "},"),
        BAD_ENTRY("{" GOOD "}{}"),
        BAD_ENTRY("{" GOOD "} x"),
        BAD_ENTRY("{" GOOD "}\""),
        BAD_ENTRY("{" GOOD "}\0"),
        BAD_ENTRY("\0{" GOOD "}"),
        BAD_ENTRY("{" GOOD "}\f"),
        BAD_ENTRY("{" GOOD "\f}"),
        BAD_ENTRY("{" GOOD "}\x1a"),
        BAD_ENTRY("{" GOOD "}\xc2\xa0"),
        BAD_ENTRY("\xef\xbb\xbf{" GOOD "}"),
        BAD_ENTRY("{" ORDER " " AMOUNT "," TIME "}"),
        BAD_ENTRY("{" ORDER ",," AMOUNT "," TIME "}"),
        BAD_ENTRY("{" ORDER ":" AMOUNT "," TIME "}"),
        BAD_ENTRY("{" GOOD ",\"a\"}"),
        BAD_ENTRY("{" GOOD ",\"a\":}"),
        BAD_ENTRY("{" GOOD ",\"a\",1}"),
        BAD_ENTRY("{" GOOD ",\"a\" 1}"),
        BAD_ENTRY("{" GOOD ",\"a\"::1}"),
        BAD_ENTRY("{" GOOD ",a:1}"),
        BAD_ENTRY("{" GOOD ",'a':1}"),
        BAD_ENTRY("{" GOOD ",1:1}"),
        BAD_ENTRY("{" GOOD ",null:1}"),
        BAD_ENTRY("{" GOOD ",\"a:1}"),
        BAD_ENTRY("{" GOOD ",\"a\":\"b}"),
        BAD_ENTRY("{" GOOD ",\"a\":\"b\\\"}"),
        BAD_ENTRY("{" GOOD ",/* */\"a\":1}"),
        BAD_ENTRY("{" AMOUNT "," TIME "}"),
        BAD_ENTRY("{" ORDER "," TIME "}"),
        BAD_ENTRY("{" ORDER "," AMOUNT "}"),
    };
    (void)state;
    CHECK_ALL("", entries, "");
}

static void an_undeclared_value_must_be_valid_json_and_may_be_any(void **state)
{
    static const struct entry entries[] = {
        GOOD_ENTRY("true"),
        GOOD_ENTRY("false"),
        GOOD_ENTRY("null"),
        GOOD_ENTRY("-0"),
        GOOD_ENTRY("1e400"),
        GOOD_ENTRY("-1E-400"),
        GOOD_ENTRY("1e999999999"),
        GOOD_ENTRY("123456789012345678901234567890"),
        GOOD_ENTRY("0.10"),
        GOOD_ENTRY("\"\""),
        GOOD_ENTRY("\"\\u0000\""),
        GOOD_ENTRY("\"\\ud800\""),
        GOOD_ENTRY("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\""),
        GOOD_ENTRY("\"\x7f\""),
        GOOD_ENTRY("\"\xf0\x9f\x98\x80\""),
        GOOD_ENTRY("[]"),
        GOOD_ENTRY("[ ]"),
        GOOD_ENTRY("[1,[2,{\"a\":[]}],\"b\" , null]"),
        GOOD_ENTRY("{}"),
        GOOD_ENTRY("{ }"),
        GOOD_ENTRY("{\"a\":{\"a\":{\"a\":1}},\"b\":{}}"),
        GOOD_ENTRY("{\"order_id\":1,\"amount\":\"x\"}"),
        BAD_ENTRY("tru"),
        BAD_ENTRY("truee"),
        BAD_ENTRY("True"),
        BAD_ENTRY("nul"),
        BAD_ENTRY("NaN"),
        BAD_ENTRY("Infinity"),
        BAD_ENTRY("-Infinity"),
        BAD_ENTRY("-"),
        BAD_ENTRY("+1"),
        BAD_ENTRY("01"),
        BAD_ENTRY("1."),
        BAD_ENTRY(".5"),
        BAD_ENTRY("1e"),
        BAD_ENTRY("0x1"),
        BAD_ENTRY("1 2"),
        BAD_ENTRY("1\"a\""),
        BAD_ENTRY("\"a\"1"),
        BAD_ENTRY("\"a\"\"b\""),
        BAD_ENTRY("\"a\" \"b\""),
        BAD_ENTRY("true\"\""),
        BAD_ENTRY("\\\"a\""),
        BAD_ENTRY("'a'"),
        BAD_ENTRY("\"\n\""),
        BAD_ENTRY("\"\t\""),
        BAD_ENTRY("\"\x01\""),
        BAD_ENTRY("\"\0\""),
        BAD_ENTRY("\"\\x\""),
        BAD_ENTRY("\"\\u12\""),
        BAD_ENTRY("\"\\u12g4\""),
        BAD_ENTRY("\"\\U0041\""),
        BAD_ENTRY("\"\\ud800\\u12\""),
        BAD_ENTRY("\"\\\n\""),
        BAD_ENTRY("\"\x80\""),
        BAD_ENTRY("\"\xc0\x80\""),
        BAD_ENTRY("\"\xc3\""),
        BAD_ENTRY("\"\xed\xa0\x80\""),
        BAD_ENTRY("\"\xf4\x90\x80\x80\""),
        BAD_ENTRY("\"\xff\""),
        BAD_ENTRY("\xc3\xa9"),
        BAD_ENTRY("[1,]"),
        BAD_ENTRY("[,1]"),
        BAD_ENTRY("[1 2]"),
        BAD_ENTRY("[1:2]"),
        BAD_ENTRY("[1}"),
        BAD_ENTRY("[[1]"),
        BAD_ENTRY("[1]]"),
        BAD_ENTRY("{\"a\"}"),
        BAD_ENTRY("{\"a\":1,}"),
        BAD_ENTRY("{\"a\":1]"),
        BAD_ENTRY("{1:1}"),
    };
    (void)state;
    CHECK_ALL("{" GOOD ",\"extra\":", entries, "}");
    CHECK_ALL("{\"extra\":", entries, "," GOOD "}");
    CHECK_ALL("{" GOOD ",\"extra\":[{\"x\":", entries, "}]}");
}

static void a_key_is_there_once_at_every_depth(void **state)
{
    static const struct entry entries[] = {
        GOOD_ENTRY("\"a\":1,\"b\":1"),
        GOOD_ENTRY("\"a\":1,\"A\":1"),
        GOOD_ENTRY("\"\":1"),
        GOOD_ENTRY("\"a\":{\"b\":1},\"b\":{\"a\":1}"),
        GOOD_ENTRY("\"\\ud800\":1,\"\\ud801\":1"),
        GOOD_ENTRY("\"\\ud83d\":1,\"\\ude00\":1,\"\\ud83d\\ude00\":1"),
        GOOD_ENTRY("\"\\u0000\":1,\"\":1"),
        GOOD_ENTRY("\"aaaaaaaabbbbbbbbcccccccc\":1,\"aaaaaaaaBbbbbbbbcccccccc\":1"),
        BAD_ENTRY("\"a\":1,\"a\":1"),
        BAD_ENTRY("\"\":1,\"\":1"),
        BAD_ENTRY("\"order_id\":\"o\""),
        BAD_ENTRY("\"order\\u005fid\":\"o\""),
        BAD_ENTRY("\"amount\":1"),
        BAD_ENTRY("\"timestamp\":\"2026-01-01T00:00:00Z\""),
        BAD_ENTRY("\"quantity\":null,\"quantity\":null"),
        BAD_ENTRY("\"a\":1,\"\\u0061\":1"),
        BAD_ENTRY("\"\\u00e9\":1,\"\xc3\xa9\":1"),
        BAD_ENTRY("\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1"),
        BAD_ENTRY("\"\\ud800\":1,\"\\uD800\":1"),
        BAD_ENTRY("\"aaaaaaaabbbbbbbbcccccccc\":1,\"aaaaaaaabbbbbbbbcccccccc\":1"),
        BAD_ENTRY("\"a\":{\"b\":1,\"c\":2,\"b\":1}"),
        BAD_ENTRY("\"a\":[[{\"b\":1,\"\\u0062\":1}]]"),
        BAD_ENTRY("\"a\":{\"b\":{\"c\":1},\"d\":[],\"b\":1}"),
    };
    (void)state;
    CHECK_ALL("{" GOOD ",", entries, "}");
    CHECK_ALL("{", entries, "," GOOD "}");
}

static void an_amount_is_a_number_with_two_decimals(void **state)
{
    static const struct entry entries[] = {
        GOOD_ENTRY("0"),
        GOOD_ENTRY("-0"),
        GOOD_ENTRY("1e2"),
        GOOD_ENTRY("1.50"),
        GOOD_ENTRY("1.500"),
        GOOD_ENTRY("-12.34"),
        GOOD_ENTRY("999999999999999.99"),
        GOOD_ENTRY("0e999999999"),
        GOOD_ENTRY("0.1e15"),
        BAD_ENTRY("1.505"),
        BAD_ENTRY("1000000000000000"),
        BAD_ENTRY("1e15"),
        BAD_ENTRY("1e-999999999"),
        BAD_ENTRY("1e999999"),
        BAD_ENTRY("null"),
        BAD_ENTRY("true"),
        BAD_ENTRY("\"1\""),
        BAD_ENTRY("[1]"),
        BAD_ENTRY("{}"),
        BAD_ENTRY("01"),
        BAD_ENTRY("1."),
        BAD_ENTRY("NaN"),
    };
    (void)state;
    CHECK_ALL("{" ORDER "," TIME ",\"amount\":", entries, "}");
}

static void a_quantity_is_null_or_an_integer_of_64_bits(void **state)
{
    static const struct entry entries[] = {
        GOOD_ENTRY("null"),
        GOOD_ENTRY("0"),
        GOOD_ENTRY("-0"),
        GOOD_ENTRY("9223372036854775807"),
        GOOD_ENTRY("-9223372036854775808"),
        BAD_ENTRY("9223372036854775808"),
        BAD_ENTRY("-9223372036854775809"),
        BAD_ENTRY("100000000000000000000"),
        BAD_ENTRY("1.0"),
        BAD_ENTRY("1e0"),
        BAD_ENTRY("\"1\""),
        BAD_ENTRY("true"),
        BAD_ENTRY("[]"),
        BAD_ENTRY("nulll"),
    };
    (void)state;
    CHECK_ALL("{" GOOD ",\"quantity\":", entries, "}");
}

static void a_text_is_null_or_a_string_that_utf_8_can_hold_without_nul(void **state)
{
    static const struct entry entries[] = {
        GOOD_ENTRY("null"),
        GOOD_ENTRY("\"\""),
        GOOD_ENTRY("\"\\ud83d\\ude00\""),
        GOOD_ENTRY("\"\\uffff\""),
        GOOD_ENTRY("\"\\\\u0000\""),
        BAD_ENTRY("\"\\u0000\""),
        BAD_ENTRY("\"a\0\""),
        BAD_ENTRY("\"\\ud800\""),
        BAD_ENTRY("\"\\ude00\\ud83d\""),
        BAD_ENTRY("\"\\ud83d\\ud83d\\ude00\""),
        BAD_ENTRY("\"\\ud83d\\n\""),
        BAD_ENTRY("\"\\ud83d\\uffff\""),
        BAD_ENTRY("1"),
        BAD_ENTRY("true"),
        BAD_ENTRY("[\"a\"]"),
        BAD_ENTRY("{\"a\":1}"),
    };
    (void)state;
    CHECK_ALL("{" GOOD ",\"status\":", entries, "}");
}

static void a_time_is_an_rfc_3339_string(void **state)
{
    static const struct entry entries[] = {
        GOOD_ENTRY("\"2026-01-01T00:00:00Z\""),
        GOOD_ENTRY("\"2026-01-01\\u002000:00:00\""),
        GOOD_ENTRY("\"1999-12-31T23:30:00-01:00\""),
        BAD_ENTRY("\"1999-12-31T23:30:00Z\""),
        BAD_ENTRY("\"2026-02-29T00:00:00Z\""),
        BAD_ENTRY("\"2026-01-01T00:00:00Z\\u0000\""),
        BAD_ENTRY("\"\""),
        BAD_ENTRY("1767225600"),
        BAD_ENTRY("null"),
    };
    (void)state;
    CHECK_ALL("{" ORDER "," AMOUNT ",\"timestamp\":", entries, "}");
}

/* A key of `count` times the same two bytes, so that its length in bytes differs from that in characters. */
static void check_key(const char *piece, size_t count, const char *end, bool good)
{
    struct buffer key = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(&key, piece);
    }
    buffer_append_string(&key, end);
    struct entry entry = {key.data, key.length, good};
    check("{" AMOUNT "," TIME ",\"order_id\":\"", &entry, "\"}");
    buffer_clean_up(&key);
}

static void a_key_is_a_string_of_1_to_256_bytes(void **state)
{
    static const struct entry entries[] = {BAD_ENTRY("null"),  BAD_ENTRY("1"),           BAD_ENTRY("\"\""),
                                           BAD_ENTRY("[]"),    BAD_ENTRY("\"\\ud800\""), BAD_ENTRY("\"\\u0000\""),
                                           GOOD_ENTRY("\"a\"")};
    (void)state;
    CHECK_ALL("{" AMOUNT "," TIME ",\"order_id\":", entries, "}");
    check_key("k", 256, "", true);
    check_key("k", 257, "", false);
    check_key("\xc3\xa9", 128, "", true);
    check_key("\xc3\xa9", 128, "k", false);
    check_key("\\u00e9", 128, "", true);
    check_key("\\u00e9", 128, "k", false);
}

/* An order with a value of `depth` levels in it, beside its own. */
static void check_depth(size_t depth, const char *open, const char *inner, const char *close, bool good)
{
    struct buffer value = {0};
    for (size_t i = 0; i < depth; i++) {
        buffer_append_string(&value, open);
    }
    buffer_append_string(&value, inner);
    for (size_t i = 0; i < depth; i++) {
        buffer_append_string(&value, close);
    }
    struct entry entry = {value.data, value.length, good};
    check("{" GOOD ",\"extra\":", &entry, "}");
    buffer_clean_up(&value);
}

static void a_message_is_at_most_64_levels_deep(void **state)
{
    (void)state;
    check_depth(63, "[", "", "]", true);
    check_depth(64, "[", "", "]", false);
    check_depth(63, "{\"a\":", "1", "}", true);
    check_depth(64, "{\"a\":", "1", "}", false);
    check_depth(100000, "[", "", "]", false);
}

/* An object of `count` keys, of which the last is key number `last`. */
static void check_many_keys(size_t count, size_t last, bool good)
{
    struct buffer members = {0};
    for (size_t i = 0; i + 1 < count; i++) {
        buffer_appendf(&members, "\"member_%zu\":%zu,", i * 7919 % count, i);
    }
    buffer_appendf(&members, "\"member_%zu\":0", last);
    struct entry entry = {members.data, members.length, good};
    check("{" GOOD ",\"extra\":{", &entry, "}}");
    check("{" GOOD ",", &entry, "}");
    buffer_clean_up(&members);
}

static void duplicates_are_found_among_many_keys(void **state)
{
    static const size_t counts[] = {2, 16, 17, 60, 64, 65, 66, 1000, 5000};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        check_many_keys(counts[i], (counts[i] - 1) * 7919 % counts[i], true);
        check_many_keys(counts[i], 0, false);
        check_many_keys(counts[i], (counts[i] - 2) * 7919 % counts[i], false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_message_is_one_json_object_in_utf_8),
        cmocka_unit_test(an_undeclared_value_must_be_valid_json_and_may_be_any),
        cmocka_unit_test(a_key_is_there_once_at_every_depth),
        cmocka_unit_test(an_amount_is_a_number_with_two_decimals),
        cmocka_unit_test(a_quantity_is_null_or_an_integer_of_64_bits),
        cmocka_unit_test(a_text_is_null_or_a_string_that_utf_8_can_hold_without_nul),
        cmocka_unit_test(a_time_is_an_rfc_3339_string),
        cmocka_unit_test(a_key_is_a_string_of_1_to_256_bytes),
        cmocka_unit_test(a_message_is_at_most_64_levels_deep),
        cmocka_unit_test(duplicates_are_found_among_many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
