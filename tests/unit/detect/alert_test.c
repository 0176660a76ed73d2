/* SPDX-License-Identifier: Apache-2.0 */
#include "detector_fixture.h"

static const struct value values[FIELD_COUNT] = {{.present = true, .text = {"t\"1", 3}},
                                                 {.present = true, .text = {"c7", 2}},
                                                 {.present = false},
                                                 {.present = true, .number = 1234500}};

static void assert_text(struct buffer *buffer, const char *expected)
{
    assert_false(buffer->failed);
    assert_string_equal(buffer_string(buffer), expected);
    buffer_clear(buffer);
}

static void an_alert_has_the_fields_the_texts_its_name_and_its_evidence(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(ON_DUPLICATE_NONE, 5);
    struct buffer out = {0};
    const struct alert_hit hits[] = {{0, 6}, {1, 1}};
    const int64_t evidence[] = {3, 17};
    struct alert alert = {.offset = 17,
                          .cause = ALERT_NO_CAUSE,
                          .event_time_us = 1767225600 * S + 250000,
                          .values = values,
                          .hits = hits,
                          .hit_count = 2,
                          .evidence = evidence,
                          .evidence_count = 2};
    alert_append_json(&alert, &fixture->detector, 4, &out);
    assert_text(&out, "{\"transaction_id\":\"t\\\"1\",\"customer_id\":\"c7\",\"shop\":null,\"amount\":12345.00,"
                      "\"timestamp\":\"2026-01-01T00:00:00.250Z\",\"alerts\":[\"6 of c7\",\"large: 12345.00\"],"
                      "\"detector\":\"fraud\",\"alert_id\":\"fraud/4/17\","
                      "\"evidence\":[{\"partition\":4,\"offset\":3},{\"partition\":4,\"offset\":17}]}");
    alert.cause = 19;
    alert.hits = hits + 1;
    alert.hit_count = alert.evidence_count = 1;
    alert.evidence = evidence + 1;
    alert.event_time_us = 1767225600 * S;
    alert_append_json(&alert, &fixture->detector, 0, &out);
    assert_text(&out, "{\"transaction_id\":\"t\\\"1\",\"customer_id\":\"c7\",\"shop\":null,\"amount\":12345.00,"
                      "\"timestamp\":\"2026-01-01T00:00:00Z\",\"alerts\":[\"large: 12345.00\"],"
                      "\"detector\":\"fraud\",\"alert_id\":\"fraud/0/17/19\","
                      "\"evidence\":[{\"partition\":0,\"offset\":17}]}");
    buffer_clean_up(&out);
    fixture_destroy(fixture);
}

static void an_alert_has_the_key_of_the_first_velocity_rule_or_the_sources(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(ON_DUPLICATE_NONE, 5);
    struct buffer out = {0};
    struct value all[FIELD_COUNT];
    memcpy(all, values, sizeof all);
    const struct alert alert = {.values = all};
    assert_true(alert_append_key(&alert, &fixture->detector, &out));
    assert_text(&out, "c7");
    all[FIELD_CUSTOMER].present = false;
    assert_true(alert_append_key(&alert, &fixture->detector, &out));
    assert_text(&out, "t\"1");
    fixture->source.schema.key = FIELD_NONE;
    assert_false(alert_append_key(&alert, &fixture->detector, &out));
    fixture->detector.rules = &fixture->rules[2];
    fixture->detector.rule_count = 1;
    all[FIELD_CUSTOMER].present = true;
    all[FIELD_SHOP] = (struct value){.present = true, .number = 12};
    assert_true(alert_append_key(&alert, &fixture->detector, &out));
    assert_text(&out, "[\"c7\",12]");
    buffer_clean_up(&out);
    fixture_destroy(fixture);
}

static void assert_message(const struct fixture *fixture, const char *source, const struct velocity_words *velocity,
                           const char *expected)
{
    struct arena arena = {0};
    struct error error = {0};
    struct buffer out = {0};
    const struct rule_message *message;
    size_t position;
    if (!rule_message_compile(text_of(source), &fixture->source.schema, velocity, &arena, &message, &position, &error))
        buffer_appendf(&out, "%zu: %s", position, error.message);
    else
        rule_message_append(message, &fixture->source.schema, values, 6, &out);
    assert_text(&out, expected);
    buffer_clean_up(&out);
    arena_clean_up(&arena);
}

static void a_message_names_fields_and_what_a_velocity_rule_has(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(ON_DUPLICATE_NONE, 5);
    const struct velocity_words words = {5, "5 minutes"};
    assert_message(fixture, "{count} > {more_than} in {within}", &words, "6 > 5 in 5 minutes");
    assert_message(fixture, "{{{amount}} of {customer_id} in {shop}", NULL, "{12345.00} of c7 in null");
    assert_message(fixture, "", NULL, "");
    assert_message(fixture, "ab{", NULL, "2: a brace isn't closed; {{ is a brace");
    assert_message(fixture, "ab{amuont}", NULL, "2: a message can't name {amuont}; did you mean {amount}?");
    assert_message(fixture, "{number}", NULL, "0: a message can't name {number}");
    assert_message(fixture, "{cuont}", &words, "0: a message can't name {cuont}; did you mean {count}?");
    fixture_destroy(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_has_the_fields_the_texts_its_name_and_its_evidence),
        cmocka_unit_test(an_alert_has_the_key_of_the_first_velocity_rule_or_the_sources),
        cmocka_unit_test(a_message_names_fields_and_what_a_velocity_rule_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
