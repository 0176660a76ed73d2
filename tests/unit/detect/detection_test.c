/* SPDX-License-Identifier: Apache-2.0 */
#include "detector_fixture.h"

static int64_t alerts_seen, later_alerts_seen; /* in all logs: nothing found would prove nothing */

/* What was alerted: of each rule and entry the offset at which, and the count. */
struct found {
    const struct fixture *fixture;
    struct fate fates[LOG_MAX];
    int64_t now;
    int64_t at[3][LOG_MAX], count[3][LOG_MAX];
    bool has_wrong_evidence, is_twice;
};

static void found_init(struct found *found, const struct fixture *fixture)
{
    *found = (struct found){.fixture = fixture};
    oracle_fates(fixture, found->fates);
    for (size_t rule = 0; rule < 3; rule++)
        for (size_t i = 0; i < LOG_MAX; i++)
            found->at[rule][i] = -1;
}

/* The evidence is what the definition counts among what has come so far. */
static bool evidence_is_right(const struct found *found, const struct alert *alert)
{
    bool expected[LOG_MAX] = {false};
    size_t count = 0;
    expected[alert->offset] = true;
    for (size_t i = 0; i < alert->hit_count; i++)
        for (int64_t other = 0; other <= found->now && alert->hits[i].rule != 1; other++)
            if (oracle_counts(found->fixture, found->fates, &found->fixture->rules[alert->hits[i].rule], alert->offset,
                              other))
                expected[other] = true;
    for (size_t i = 0; i < LOG_MAX; i++)
        count += expected[i];
    if (count != alert->evidence_count || alert->evidence[count - 1] != alert->offset)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!expected[alert->evidence[i]])
            return false;
    return true;
}

static bool note(void *context, const struct alert *alert)
{
    struct found *found = context;
    struct text id = alert->values[FIELD_ID].text;
    alerts_seen++;
    later_alerts_seen += alert->cause != ALERT_NO_CAUSE;
    found->has_wrong_evidence |= !evidence_is_right(found, alert);
    assert_int_equal(alert->cause, alert->offset == found->now ? ALERT_NO_CAUSE : found->now);
    assert_true(text_equal(id, text_of(found->fixture->log[alert->offset].id)));
    assert_int_equal(alert->values[FIELD_AMOUNT].number, found->fixture->log[alert->offset].amount);
    for (size_t i = 0; i < alert->hit_count; i++) {
        int64_t *at = &found->at[alert->hits[i].rule][alert->offset];
        found->is_twice |= *at != -1;
        *at = found->now;
        found->count[alert->hits[i].rule][alert->offset] = alert->hits[i].count;
    }
    return true;
}

static void assert_as_defined(const struct found *found)
{
    for (size_t rule = 0; rule < 3; rule++) {
        for (int64_t i = 0; i < found->fixture->length; i++) {
            int64_t count, at = oracle_alerted_at(found->fixture, found->fates, rule, i, &count);
            if (at != found->at[rule][i])
                fail_msg("rule %zu, offset %lld: alerted at %lld, not %lld", rule, (long long)i,
                         (long long)found->at[rule][i], (long long)at);
            if (at != -1)
                assert_int_equal(count, found->count[rule][i]);
        }
    }
    assert_false(found->has_wrong_evidence);
    assert_false(found->is_twice);
}

static void play(enum on_duplicate on_duplicate, int64_t more_than, int64_t length)
{
    struct fixture *fixture = fixture_new(on_duplicate, more_than);
    struct detection_budget budget = {.ceiling = (size_t)1 << 28};
    static struct found found;
    fixture_fill(fixture, length);
    found_init(&found, fixture);
    struct detection *detection = detection_new(&fixture->detector, &budget, CLOCK_NONE, test_random(UINT64_MAX));
    for (found.now = 0; found.now < length; found.now++)
        assert_int_equal(fixture_take(fixture, detection, found.now, true, note, &found), DETECTION_TAKEN);
    assert_as_defined(&found);
    detection_destroy(detection);
    assert_int_equal(budget.used, 0);
    fixture_destroy(fixture);
}

static void alerts_are_what_the_definition_says_of_each_transaction(void **state)
{
    (void)state;
    for (int i = 0; i < 25; i++)
        play(ON_DUPLICATE_NONE, 1 + (int64_t)test_random(12), 1 + (int64_t)test_random(LOG_MAX - 1));
    assert_true(alerts_seen > 500 && later_alerts_seen > 50);
}

static void a_key_that_the_state_knows_is_neither_judged_nor_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 25; i++)
        play(ON_DUPLICATE_IGNORE, 1 + (int64_t)test_random(6), 1 + (int64_t)test_random(LOG_MAX - 1));
}

static bool ignore_alert(void *context, const struct alert *alert)
{
    (void)alert;
    ++*(int64_t *)context;
    return true;
}

static enum detection_result take_plain(struct detection *detection, int64_t offset, int64_t at_us,
                                        const char *customer, const char *kafka_key, int64_t *alerts)
{
    const struct value values[FIELD_COUNT] = {{.present = true, .text = text_of("t")},
                                              {.present = true, .text = text_of(customer)},
                                              {.present = true, .number = 1},
                                              {.present = true, .number = 100}};
    const struct record record = {at_us, values};
    struct text key = kafka_key ? text_of(kafka_key) : (struct text){0};
    const struct transaction transaction = {offset, at_us, key, &record};
    return detection_take(detection, &transaction, true, ignore_alert, alerts);
}

static void what_is_out_of_reach_leaves_the_state(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(ON_DUPLICATE_IGNORE, 5);
    struct detection_budget budget = {.ceiling = (size_t)1 << 28};
    struct detection *detection = detection_new(&fixture->detector, &budget, CLOCK_NONE, 1);
    int64_t alerts = 0;
    size_t warm = 0;
    for (int64_t i = 0; i < 200000; i++) {
        char customer[16];
        snprintf(customer, sizeof customer, "%lld", (long long)(i % 10000));
        assert_int_equal(take_plain(detection, i, 1750000000 * S + i * S / 20, customer, "k", &alerts),
                         DETECTION_TAKEN);
        if (i == 20000)
            warm = detection_bytes(detection);
    }
    assert_true(detection_bytes(detection) <= warm);
    assert_true(detection_entries(detection) <= 2 * 1600 + 1);
    assert_true(detection_floor(detection, 200000).offset > 200000 - 1600);
    detection_destroy(detection);
    fixture_destroy(fixture);
}

static void one_without_or_with_another_kafka_key_is_misplaced(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(ON_DUPLICATE_NONE, 5);
    struct detection_budget budget = {.ceiling = (size_t)1 << 28};
    struct detection *detection = detection_new(&fixture->detector, &budget, CLOCK_NONE, 1);
    int64_t alerts = 0, now_us = 1750000000 * S;
    assert_int_equal(take_plain(detection, 0, now_us, "a", "a", &alerts), DETECTION_TAKEN);
    assert_int_equal(take_plain(detection, 1, now_us, "a", "a", &alerts), DETECTION_TAKEN);
    assert_int_equal(detection_counts(detection)->misplaced, 0);
    assert_int_equal(take_plain(detection, 2, now_us, "a", "b", &alerts), DETECTION_TAKEN);
    assert_int_equal(detection_counts(detection)->misplaced, 1);
    assert_int_equal(take_plain(detection, 3, now_us, "c", NULL, &alerts), DETECTION_TAKEN);
    assert_int_equal(detection_counts(detection)->misplaced, 2);
    detection_destroy(detection);
    fixture_destroy(fixture);
}

static void at_the_ceiling_of_memory_it_says_so(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(ON_DUPLICATE_NONE, 5);
    struct detection_budget budget = {.ceiling = 1000000};
    struct detection *detection = detection_new(&fixture->detector, &budget, CLOCK_NONE, 1);
    int64_t alerts = 0, i = 0;
    while (take_plain(detection, i, 1750000000 * S, "a", "a", &alerts) == DETECTION_TAKEN)
        assert_true(++i < 100000);
    assert_true(i > 1000 && budget.used <= budget.ceiling);
    detection_destroy(detection);
    assert_int_equal(budget.used, 0);
    fixture_destroy(fixture);
}

/* A hundred thousand transactions of one customer, and a limit as large: what each costs is not the others'
 * number. Where it was, this would take hours. */
static void neither_a_hot_value_nor_a_large_limit_is_slow(void **state)
{
    (void)state;
    for (int64_t more_than = 5; more_than <= 50000; more_than *= 10000) {
        struct fixture *fixture = fixture_new(ON_DUPLICATE_NONE, more_than);
        struct detection_budget budget = {.ceiling = (size_t)1 << 30};
        struct detection *detection = detection_new(&fixture->detector, &budget, CLOCK_NONE, 1);
        int64_t alerts = 0;
        for (int64_t i = 0; i < 100000; i++)
            assert_int_equal(take_plain(detection, i,
                                        1750000000 * S + i * 10 - (i % 3 == 0 ? (int64_t)test_random(5000000) : 0), "a",
                                        "a", &alerts),
                             DETECTION_TAKEN);
        assert_true(alerts >= 100000 - more_than - 2);
        detection_destroy(detection);
        fixture_destroy(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alerts_are_what_the_definition_says_of_each_transaction),
        cmocka_unit_test(a_key_that_the_state_knows_is_neither_judged_nor_counted),
        cmocka_unit_test(what_is_out_of_reach_leaves_the_state),
        cmocka_unit_test(one_without_or_with_another_kafka_key_is_misplaced),
        cmocka_unit_test(at_the_ceiling_of_memory_it_says_so),
        cmocka_unit_test(neither_a_hot_value_nor_a_large_limit_is_slow),
    };
    test_random_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
