/* SPDX-License-Identifier: Apache-2.0
 * A detector's state while memory is short: it says so, and leaves nothing behind. */
#include "detector_fixture.h"
#include "failing_memory.h"

static bool count_alert(void *context, const struct alert *alert)
{
    *(int64_t *)context += (int64_t)alert->hit_count;
    return true;
}

static bool count_all(const struct fixture *fixture, int64_t *ret_hits)
{
    struct detection_budget budget = {.ceiling = (size_t)1 << 28};
    struct detection *detection = detection_new(&fixture->detector, &budget, CLOCK_NONE, 1);
    enum detection_result result = detection ? DETECTION_TAKEN : DETECTION_NO_MEMORY;
    *ret_hits = 0;
    for (int64_t i = 0; i < fixture->length && result == DETECTION_TAKEN; i++)
        result = fixture_take(fixture, detection, i, true, count_alert, ret_hits);
    detection_destroy(detection);
    assert_int_equal(budget.used, 0);
    return result == DETECTION_TAKEN;
}

struct expected {
    const struct fixture *fixture;
    int64_t hits;
};

static bool attempt(void *context)
{
    const struct expected *expected = context;
    int64_t hits;
    if (!count_all(expected->fixture, &hits))
        return false;
    assert_int_equal(hits, expected->hits);
    return true;
}

static void judging_is_right_or_memory_is_short(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(ON_DUPLICATE_IGNORE, 2);
    struct expected expected = {.fixture = fixture};
    fixture_fill(fixture, LOG_MAX - 1);
    assert_true(count_all(fixture, &expected.hits));
    assert_true(expected.hits > 0);
    assert_true(fail_every_allocation(attempt, &expected) > 10);
    fixture_destroy(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(judging_is_right_or_memory_is_short)};
    test_random_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
