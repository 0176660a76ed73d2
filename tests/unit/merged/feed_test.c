/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <pthread.h>

#include "base/clock.h"
#include "merged/feed.h"

#define BYTES_MAX 4096
#define VIEW 0
#define OTHER_VIEW 1

static const struct field fields[] = {{"category", FIELD_TEXT, 0}};
static const struct schema schema = {.fields = fields, .field_count = 1, .key = FIELD_NONE};
static const struct view views[] = {
    {.name = "sales", .schema = &schema, .window = {.length_s = 60}, .dimension_count = 1},
    {.name = "other", .schema = &schema, .window = {.length_s = 60}, .dimension_count = 1},
};
static const struct source source = {.name = "orders", .views = views, .view_count = 2};

static struct feed feed;

static int setup(void **state)
{
    (void)state;
    return feed_init(&feed, &source, BYTES_MAX) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    feed_clean_up(&feed);
    return 0;
}

/* A state in which this row has changed; NULL: no row. */
static void change(size_t view, int64_t window_s, const char *group)
{
    feed_begin(&feed);
    if (group)
        feed_note_row(&feed, view, window_s, text_of(group));
    feed_end(&feed);
}

static void open_at_present(struct feed_reader *reader, size_t view)
{
    feed_reader_open(reader, &feed, view, feed.state);
    change(OTHER_VIEW, 0, NULL);
}

/* What the reader is told, as "60 +1:a; 120 +1:b; "; "reset". */
static const char *told(struct feed_reader *reader)
{
    static char text[BYTES_MAX * 4];
    struct changes changes;
    assert_true(feed_read(reader, &changes));
    size_t length = (size_t)snprintf(text, sizeof text, "%s", changes.is_reset ? "reset" : "");
    for (size_t i = 0; i < changes.count; i++) {
        const struct change *one = &changes.changes[i];
        length += (size_t)snprintf(text + length, sizeof text - length, "%lld %.*s; ", (long long)one->window_start_us,
                                   (int)one->group.length, one->group.data);
    }
    changes_clean_up(&changes);
    return text;
}

static void reader_without_a_copy_begins_anew(void **state)
{
    (void)state;
    struct feed_reader reader;
    change(VIEW, 60, "+1:a");
    feed_reader_open(&reader, &feed, VIEW, 0);
    assert_string_equal(told(&reader), "reset");
    assert_string_equal(told(&reader), "");
    feed_reader_close(&reader);
}

static void changes_since_the_state_of_the_copy_are_told_each_once(void **state)
{
    (void)state;
    struct feed_reader reader;
    change(VIEW, 0, NULL);
    open_at_present(&reader, VIEW);
    change(VIEW, 120, "+1:b");
    change(VIEW, 60, "+1:b");
    change(VIEW, 60, "+1:a");
    change(VIEW, 60, "+1:b");
    assert_string_equal(told(&reader), "60 +1:a; 60 +1:b; 120 +1:b; ");
    assert_int_equal(reader.state, feed.state);
    change(VIEW, 60, "+1:a");
    assert_string_equal(told(&reader), "60 +1:a; ");
    feed_reader_close(&reader);
}

static void readers_have_states_and_views_of_their_own(void **state)
{
    (void)state;
    struct feed_reader fast, slow, other;
    change(VIEW, 0, NULL);
    open_at_present(&fast, VIEW);
    feed_reader_open(&slow, &feed, VIEW, fast.state);
    feed_reader_open(&other, &feed, OTHER_VIEW, feed.state);
    change(VIEW, 60, "+1:a");
    assert_string_equal(told(&fast), "60 +1:a; ");
    change(VIEW, 60, "+1:b");
    assert_string_equal(told(&fast), "60 +1:b; ");
    assert_string_equal(told(&slow), "60 +1:a; 60 +1:b; ");
    assert_string_equal(told(&other), "");
    feed_reader_close(&fast);
    feed_reader_close(&slow);
    feed_reader_close(&other);
}

static void slow_reader_begins_anew_once_the_ceiling_is_passed(void **state)
{
    (void)state;
    struct feed_reader fast, slow;
    change(VIEW, 0, NULL);
    open_at_present(&fast, VIEW);
    feed_reader_open(&slow, &feed, VIEW, fast.state);
    for (int i = 0; i < 1000; i++) {
        change(VIEW, 60 * i, "+1:a");
        assert_true(strcmp(told(&fast), "reset") != 0);
        assert_true(feed.views[VIEW].bytes <= BYTES_MAX);
    }
    assert_string_equal(told(&slow), "reset");
    change(VIEW, 60, "+1:a");
    assert_string_equal(told(&slow), "60 +1:a; ");
    feed_reader_close(&fast);
    feed_reader_close(&slow);
}

static void change_that_is_larger_than_the_ceiling_has_all_begin_anew(void **state)
{
    (void)state;
    struct feed_reader reader;
    change(VIEW, 0, NULL);
    open_at_present(&reader, VIEW);
    feed_begin(&feed);
    for (int i = 0; i < BYTES_MAX; i++)
        feed_note_row(&feed, VIEW, i, text_of("+1:a"));
    feed_end(&feed);
    assert_string_equal(told(&reader), "reset");
    assert_int_equal(feed.views[VIEW].bytes, 0);
    feed_reader_close(&reader);
}

static void all_may_have_changed(void **state)
{
    (void)state;
    struct feed_reader reader;
    change(VIEW, 0, NULL);
    open_at_present(&reader, VIEW);
    change(VIEW, 60, "+1:a");
    feed_begin(&feed);
    feed_note_all(&feed, VIEW);
    feed_end(&feed);
    assert_string_equal(told(&reader), "reset");
    feed_reader_close(&reader);
}

static void nothing_is_remembered_of_a_view_that_nobody_reads(void **state)
{
    (void)state;
    struct feed_reader reader;
    change(VIEW, 0, NULL);
    open_at_present(&reader, VIEW);
    uint64_t held = feed.state;
    change(VIEW, 60, "+1:a");
    assert_true(feed_takes_notes(&feed, VIEW));
    feed_reader_close(&reader);
    change(VIEW, 60, "+1:a");
    assert_false(feed_takes_notes(&feed, VIEW));
    change(VIEW, 60, "+1:a");
    assert_int_equal(feed.views[VIEW].bytes, 0);
    feed_reader_open(&reader, &feed, VIEW, held);
    assert_string_equal(told(&reader), "reset");
    feed_reader_close(&reader);
}

static void reader_that_comes_back_goes_on_where_its_state_is_remembered(void **state)
{
    (void)state;
    struct feed_reader other, reader;
    change(VIEW, 0, NULL);
    open_at_present(&other, VIEW);
    feed_reader_open(&reader, &feed, VIEW, feed.state);
    uint64_t held = reader.state;
    feed_reader_close(&reader);
    change(VIEW, 60, "+1:a");
    feed_reader_open(&reader, &feed, VIEW, held);
    assert_string_equal(told(&reader), "60 +1:a; ");
    feed_reader_close(&reader);
    feed_reader_open(&reader, &feed, VIEW, feed.state + 1); /* of another process */
    assert_string_equal(told(&reader), "reset");
    feed_reader_close(&reader);
    feed_reader_close(&other);
}

static void *change_once(void *context)
{
    (void)context;
    change(VIEW, 60, "+1:a");
    return NULL;
}

static void reader_waits_for_a_later_state(void **state)
{
    (void)state;
    struct feed_reader reader;
    pthread_t writer;
    change(VIEW, 0, NULL);
    feed_reader_open(&reader, &feed, VIEW, feed.state);
    assert_false(feed_wait(&reader, clock_monotonic_us()));
    assert_int_equal(pthread_create(&writer, NULL, change_once, NULL), 0);
    assert_true(feed_wait(&reader, clock_monotonic_us() + 3600 * US_PER_SECOND));
    pthread_join(writer, NULL);
    assert_string_equal(told(&reader), "60 +1:a; ");
    feed_reader_close(&reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reader_without_a_copy_begins_anew),
        TEST(changes_since_the_state_of_the_copy_are_told_each_once),
        TEST(readers_have_states_and_views_of_their_own),
        TEST(slow_reader_begins_anew_once_the_ceiling_is_passed),
        TEST(change_that_is_larger_than_the_ceiling_has_all_begin_anew),
        TEST(all_may_have_changed),
        TEST(nothing_is_remembered_of_a_view_that_nobody_reads),
        TEST(reader_that_comes_back_goes_on_where_its_state_is_remembered),
        TEST(reader_waits_for_a_later_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
