/* SPDX-License-Identifier: Apache-2.0
 * A detector, logs of transactions by chance, and what must be alerted, counted out from the definition for each
 * transaction anew with none of the detector's code. */
#ifndef TIDEMARK_TESTS_DETECTOR_FIXTURE_H
#define TIDEMARK_TESTS_DETECTOR_FIXTURE_H

#include "cmocka_test.h"

#include "detect/detection.h"

#define S INT64_C(1000000)
#define LOG_MAX 400

enum { FIELD_ID, FIELD_CUSTOMER, FIELD_SHOP, FIELD_AMOUNT, FIELD_COUNT };

static const struct field fixture_fields[FIELD_COUNT] = {{"transaction_id", FIELD_TEXT, 0},
                                                         {"customer_id", FIELD_TEXT, 0},
                                                         {"shop", FIELD_INTEGER, 0},
                                                         {"amount", FIELD_DECIMAL, 2}};

/* What stands in the log. */
struct entry {
    int64_t event_time_us, record_time_us;
    bool has_customer, has_shop;
    char id[16], customer[16];
    int64_t shop, amount;
    bool is_bad; /* nothing of it is taken */
};

struct fixture {
    struct arena arena;
    struct source source;
    struct rule rules[4];
    struct detector detector;
    struct entry log[LOG_MAX];
    int64_t length;
};

static inline void fixture_rule(struct fixture *fixture, struct rule rule, const char *text)
{
    struct error error = {0};
    size_t position;
    const struct velocity_words words = {rule.more_than, "a while"};
    assert_true(rule_message_compile(text_of(text), &fixture->source.schema, rule.when ? NULL : &words, &fixture->arena,
                                     &rule.message, &position, &error));
    fixture->rules[fixture->detector.rule_count++] = rule;
}

/* More than `more_than` of a customer in 30 s, more than `more_than` + 1 of a customer in a shop in 50 s, amounts above
 * 90; lateness 20 s. */
static inline struct fixture *fixture_new(enum on_duplicate on_duplicate, int64_t more_than)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->source = (struct source){.name = "transactions",
                                      .topic = "transactions",
                                      .on_duplicate = on_duplicate,
                                      .schema = {.fields = fixture_fields,
                                                 .field_count = FIELD_COUNT,
                                                 .key = FIELD_ID,
                                                 .event_time = "timestamp",
                                                 .max_future_us = 3600 * S}};
    fixture->detector = (struct detector){.name = "fraud",
                                          .source = &fixture->source,
                                          .alerts = "fraud-alerts",
                                          .lateness_us = 20 * S,
                                          .memory_bytes = INT64_C(1) << 28,
                                          .rules = fixture->rules};
    const struct expression *when;
    struct error error = {0};
    size_t position;
    assert_true(
        expression_compile(text_of("amount > 90"), &fixture->source.schema, &fixture->arena, &when, &position, &error));
    fixture_rule(fixture,
                 (struct rule){.by = {FIELD_CUSTOMER}, .by_count = 1, .more_than = more_than, .within_us = 30 * S},
                 "{count} of {customer_id}");
    fixture_rule(fixture, (struct rule){.when = when}, "large: {amount}");
    fixture_rule(
        fixture,
        (struct rule){
            .by = {FIELD_CUSTOMER, FIELD_SHOP}, .by_count = 2, .more_than = more_than + 1, .within_us = 50 * S},
        "more than {more_than} in {within}");
    assert_true(detector_fingerprint(&fixture->detector));
    return fixture;
}

static inline void fixture_destroy(struct fixture *fixture)
{
    arena_clean_up(&fixture->arena);
    free(fixture);
}

/* A log in which times go up by about a second an entry and are out of order by up to 40 s, some of them equal, some
 * ahead of their records, some records without a time. */
static inline void fixture_fill(struct fixture *fixture, int64_t length)
{
    int64_t now_us = 1750000000 * S;
    fixture->length = length;
    for (int64_t i = 0; i < length; i++) {
        struct entry *entry = &fixture->log[i];
        *entry = (struct entry){.has_customer = test_random(3) > 0, .has_shop = test_random(10) > 0};
        now_us += (int64_t)test_random(3) * S;
        if (test_random(60) == 0)
            now_us += (int64_t)test_random(90) * S;
        entry->event_time_us = now_us;
        if (test_random(3) == 0)
            entry->event_time_us -= (int64_t)test_random(test_random(3) ? 21 : 41) * S;
        else if (test_random(25) == 0)
            entry->event_time_us += (int64_t)test_random(100) * S;
        entry->record_time_us = test_random(8) ? now_us + (int64_t)test_random(3) * S : -1;
        bool again = i > 0 && test_random(5) == 0;
        snprintf(entry->id, sizeof entry->id, "t%d", (int)(again ? i - 1 - (int64_t)test_random((uint64_t)i) : i));
        snprintf(entry->customer, sizeof entry->customer, "c%d", (int)test_random(3));
        entry->shop = (int64_t)test_random(2);
        entry->amount = (int64_t)test_random(10000);
        entry->is_bad = test_random(30) == 0;
    }
}

/* Gives an entry of the log to the detection. */
static inline enum detection_result fixture_take(const struct fixture *fixture, struct detection *detection,
                                                 int64_t offset, bool judge,
                                                 bool (*on_alert)(void *, const struct alert *), void *context)
{
    const struct entry *entry = &fixture->log[offset];
    if (entry->is_bad)
        return DETECTION_TAKEN;
    const struct value values[FIELD_COUNT] = {
        {.present = true, .text = text_of(entry->id)},
        {.present = entry->has_customer, .text = text_of(entry->customer)},
        {.present = entry->has_shop, .number = entry->shop},
        {.present = true, .number = entry->amount},
    };
    const struct record record = {entry->event_time_us, values};
    const struct transaction transaction = {offset, entry->record_time_us, text_of(entry->customer), &record};
    return detection_take(detection, &transaction, judge, on_alert, context);
}

/* --- What must come out ------------------------------------------------------------------------------------------ */

/* What becomes of each entry, when all before it are known. */
struct fate {
    bool is_duplicate, is_late;
};

static inline void oracle_fates(const struct fixture *fixture, struct fate ret_fates[])
{
    int64_t clock_us = INT64_MIN, reach_us = 70 * S;
    for (int64_t i = 0; i < fixture->length; i++) {
        const struct entry *entry = &fixture->log[i];
        ret_fates[i] = (struct fate){0};
        if (entry->is_bad)
            continue;
        for (int64_t j = 0; j < i && fixture->source.on_duplicate == ON_DUPLICATE_IGNORE; j++)
            if (!fixture->log[j].is_bad && strcmp(fixture->log[j].id, entry->id) == 0 &&
                fixture->log[j].event_time_us > clock_us - reach_us)
                ret_fates[i].is_duplicate = true;
        ret_fates[i].is_late = clock_us != INT64_MIN && entry->event_time_us < clock_us - 20 * S;
        int64_t at_us = entry->event_time_us;
        if (entry->record_time_us >= 0 && entry->record_time_us < at_us)
            at_us = entry->record_time_us;
        if (at_us > clock_us)
            clock_us = at_us;
    }
}

static inline bool oracle_counts(const struct fixture *fixture, const struct fate fates[], const struct rule *rule,
                                 int64_t one, int64_t other)
{
    const struct entry *a = &fixture->log[one], *b = &fixture->log[other];
    if (b->is_bad || fates[other].is_late || fates[other].is_duplicate || !b->has_customer)
        return false;
    if (strcmp(a->customer, b->customer) != 0 || (rule->by_count == 2 && (!b->has_shop || a->shop != b->shop)))
        return false;
    bool is_before = b->event_time_us < a->event_time_us || (b->event_time_us == a->event_time_us && other <= one);
    return is_before && b->event_time_us > a->event_time_us - rule->within_us;
}

/* The offset with which the entry begins to exceed the rule, or -1: it never does. */
static inline int64_t oracle_alerted_at(const struct fixture *fixture, const struct fate fates[], size_t number,
                                        int64_t offset, int64_t *ret_count)
{
    const struct rule *rule = &fixture->rules[number];
    const struct entry *entry = &fixture->log[offset];
    *ret_count = 1;
    if (entry->is_bad || fates[offset].is_duplicate)
        return -1;
    if (rule->when)
        return entry->amount > 9000 ? offset : -1;
    if (fates[offset].is_late || !entry->has_customer || (rule->by_count == 2 && !entry->has_shop))
        return -1;
    int64_t count = 0;
    for (int64_t i = 0; i < fixture->length; i++) {
        count += oracle_counts(fixture, fates, rule, offset, i);
        if (i >= offset && count > rule->more_than) {
            *ret_count = count;
            return i;
        }
    }
    return -1;
}

#endif
