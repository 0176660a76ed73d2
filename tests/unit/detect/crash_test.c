/* SPDX-License-Identifier: Apache-2.0
 * A detector that crashes anywhere: what is committed is a position, the floor and the clock before the floor, in one
 * step with the alerts up to there. Whoever goes on builds the state again from these. Whatever happens, each alert is
 * there once. SCHEDULES in the environment says how many histories are played. */
#include "detector_fixture.h"

#define ALERTS_MAX (4 * LOG_MAX)

struct committed_alert {
    size_t rule;
    int64_t offset, at;
};

/* What the broker keeps, and what is to be added with the next commit. */
struct broker {
    int64_t position;
    struct floor floor;
    struct committed_alert alerts[ALERTS_MAX];
    size_t committed, pending;
    int64_t now;
};

enum bug { NO_BUG, CLOCK_LEFT_OUT, FLOOR_LEFT_OUT };

static bool gather(void *context, const struct alert *alert)
{
    struct broker *broker = context;
    for (size_t i = 0; i < alert->hit_count; i++) {
        assert_true(broker->pending < ALERTS_MAX);
        broker->alerts[broker->pending++] = (struct committed_alert){alert->hits[i].rule, alert->offset, broker->now};
    }
    return true;
}

/* One life of the process; it ends at the end of the log, or dies. */
static void live(const struct fixture *fixture, struct broker *broker, uint64_t mortality, enum bug bug)
{
    struct detection_budget budget = {.ceiling = (size_t)1 << 28};
    int64_t clock_us = bug == CLOCK_LEFT_OUT ? CLOCK_NONE : broker->floor.clock_before_us;
    struct detection *detection = detection_new(&fixture->detector, &budget, clock_us, test_random(UINT64_MAX));
    broker->pending = broker->committed;
    broker->now = bug == FLOOR_LEFT_OUT ? broker->position : broker->floor.offset;
    for (; broker->now < fixture->length; broker->now++) {
        assert_int_equal(fixture_take(fixture, detection, broker->now, broker->now >= broker->position, gather, broker),
                         DETECTION_TAKEN);
        if (mortality && test_random(mortality) == 0)
            break;
        if (broker->now >= broker->position && (test_random(10) == 0 || broker->now + 1 == fixture->length)) {
            broker->position = broker->now + 1;
            broker->floor = detection_floor(detection, broker->position);
            broker->committed = broker->pending;
        }
    }
    detection_destroy(detection);
}

static bool is_right(const struct fixture *fixture, const struct broker *broker, int64_t from)
{
    static struct fate fates[LOG_MAX];
    size_t expected = 0;
    oracle_fates(fixture, fates);
    for (size_t rule = 0; rule < 3; rule++) {
        for (int64_t i = 0; i < fixture->length; i++) {
            int64_t count, at = oracle_alerted_at(fixture, fates, rule, i, &count);
            size_t found = 0;
            if (at < from)
                continue;
            expected++;
            for (size_t j = 0; j < broker->committed; j++)
                found += broker->alerts[j].rule == rule && broker->alerts[j].offset == i && broker->alerts[j].at == at;
            if (found != 1)
                return false;
        }
    }
    return expected == broker->committed;
}

/* One history; it may begin in the midst of the log, with a state from a bit before. */
static bool play(enum bug bug)
{
    static struct broker broker;
    struct fixture *fixture =
        fixture_new(test_random(2) ? ON_DUPLICATE_NONE : ON_DUPLICATE_IGNORE, 1 + (int64_t)test_random(5));
    fixture_fill(fixture, 1 + (int64_t)test_random(80));
    int64_t from = test_random(2) ? 0 : (int64_t)test_random((uint64_t)fixture->length);
    broker = (struct broker){.position = from, .floor = {(int64_t)test_random((uint64_t)from + 1), CLOCK_NONE}};
    for (int64_t i = 0; i < broker.floor.offset; i++)
        fixture->log[i].is_bad = true; /* for the oracle there is nothing before the first floor */
    while (broker.position < fixture->length)
        live(fixture, &broker, 2 + test_random(60), bug);
    bool right = is_right(fixture, &broker, from);
    fixture_destroy(fixture);
    return right;
}

static int schedules(int fallback)
{
    const char *given = getenv("SCHEDULES");
    return given ? atoi(given) : fallback;
}

static void each_alert_is_there_once_wherever_it_crashes(void **state)
{
    (void)state;
    for (int i = 0; i < schedules(3000); i++) {
        uint64_t seed = test_random_state;
        if (!play(NO_BUG))
            fail_msg("history %d is wrong: SEED=%llu SCHEDULES=1 plays it again", i, (unsigned long long)seed);
    }
}

static void assert_is_found(enum bug bug)
{
    for (int i = 0; i < 20000; i++)
        if (!play(bug))
            return;
    fail_msg("the bug was not found");
}

static void a_state_that_is_built_without_the_clock_is_found_out(void **state)
{
    (void)state;
    assert_is_found(CLOCK_LEFT_OUT);
}

static void a_state_that_is_not_built_again_is_found_out(void **state)
{
    (void)state;
    assert_is_found(FLOOR_LEFT_OUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_alert_is_there_once_wherever_it_crashes),
        cmocka_unit_test(a_state_that_is_built_without_the_clock_is_found_out),
        cmocka_unit_test(a_state_that_is_not_built_again_is_found_out),
    };
    test_random_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
