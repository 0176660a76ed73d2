/* SPDX-License-Identifier: Apache-2.0
 * A sink in memory is kept a copy of a view: which states are taken, what is written of them, and what is refused. */
#include "serving_fixture.h"

#include "emit/emission.h"

#define ROWS_MAX 100
#define MERGED_GROUPS 700 /* in HOPS_MAX windows each these are more rows than a roll-up makes */

/* A sink in memory, which fails where it is told to. */
static struct memory_sink {
    struct sink_store store;
    struct {
        char name[200];
        struct row_version version;
    } rows[ROWS_MAX];
    size_t count, written, vanished; /* the last two in all */
    char last[400];                  /* row, as it was written */
    char statement[2000];
    bool fails, loses_reply;
} sink_in_memory;

static bool memory_open(struct sink_store *store, bool restarts, struct buffer *ret_statement, struct error *error)
{
    (void)store, (void)restarts, (void)error;
    buffer_append_string(ret_statement, sink_in_memory.statement);
    return true;
}

static bool memory_list(struct sink_store *store, held_row_take *take, void *context, struct error *error)
{
    (void)store, (void)error;
    for (size_t i = 0; i < sink_in_memory.count; i++)
        assert_true(take(context, text_of(sink_in_memory.rows[i].name), sink_in_memory.rows[i].version));
    return true;
}

static bool memory_has(struct sink_store *store, struct text statement, bool *ret_has, struct error *error)
{
    (void)store, (void)error;
    *ret_has = text_equal(statement, text_of(sink_in_memory.statement));
    return true;
}

static size_t find_row(struct text name)
{
    size_t i = 0;
    while (i < sink_in_memory.count && !text_equal(name, text_of(sink_in_memory.rows[i].name)))
        i++;
    return i;
}

static void put_row(const struct sink_row *row)
{
    size_t at = find_row(row->name);
    const struct row_version version = row_version_read(row->content);
    sink_in_memory.written++;
    snprintf(sink_in_memory.last, sizeof sink_in_memory.last, "%.*s", (int)row->content.length,
             row->content.data ? row->content.data : "");
    sink_in_memory.vanished += version.is_gone;
    if (!row->content.data) {
        assert_true(at < sink_in_memory.count);
        sink_in_memory.rows[at] = sink_in_memory.rows[--sink_in_memory.count];
        return;
    }
    const struct row_version *before = &sink_in_memory.rows[at].version;
    if (at < sink_in_memory.count && before->content == version.content && before->is_gone == version.is_gone)
        fail_msg("%s is written twice alike", sink_in_memory.rows[at].name);
    if (at == sink_in_memory.count)
        assert_true(sink_in_memory.count++ < ROWS_MAX);
    else if (row->version.revision)
        assert_int_equal(version.revision, before->revision + 1);
    snprintf(sink_in_memory.rows[at].name, sizeof sink_in_memory.rows[at].name, "%.*s", (int)row->name.length,
             row->name.data);
    sink_in_memory.rows[at].version = version;
}

static bool memory_write(struct sink_store *store, const struct micro_batch *batch, struct error *error)
{
    (void)store;
    if (sink_in_memory.fails)
        return error_set(error, ERROR_UNAVAILABLE, "down");
    if (!text_equal(batch->before, text_of(sink_in_memory.statement)))
        return error_set(error, ERROR_TRY_AGAIN, "another process wrote it");
    if (batch->restarts)
        sink_in_memory.count = 0;
    for (size_t i = 0; i < batch->count; i++)
        put_row(&batch->rows[i]);
    snprintf(sink_in_memory.statement, sizeof sink_in_memory.statement, "%.*s", (int)batch->statement.length,
             batch->statement.data);
    return !sink_in_memory.loses_reply || error_set(error, ERROR_UNAVAILABLE, "no answer");
}

static const struct sink_store_operations memory_operations = {
    .open = memory_open, .list = memory_list, .has = memory_has, .write = memory_write};

/* A lease that others take. */
static bool lease_is_ours;

static bool hold_lease(struct lease *lease, bool *ret_held, struct error *error)
{
    (void)lease, (void)error;
    *ret_held = lease_is_ours;
    return true;
}

struct keeping {
    struct bench bench;
    struct lease lease;
    struct sink sink;
    struct emission emission;
    struct error error;
    int64_t log_end; /* of each partition */
};

static bool log_end(void *context, int32_t partition, int64_t *ret_end, struct error *error)
{
    (void)partition, (void)error;
    *ret_end = ((struct keeping *)context)->log_end;
    return true;
}

static void open_emission(struct keeping *keeping, bool restarts)
{
    static const struct lease_operations lease_operations = {.hold = hold_lease};
    keeping->lease.operations = &lease_operations;
    lease_is_ours = true;
    const struct emission_options options = {.sink = &keeping->sink,
                                             .lease = &keeping->lease,
                                             .snapshot = keeping->bench.snapshot,
                                             .store = &sink_in_memory.store,
                                             .restarts = restarts,
                                             .log_end = log_end,
                                             .context = keeping};
    emission_init(&keeping->emission, &options);
}

/* Another process takes over. */
static void open_again(struct keeping *keeping, bool restarts)
{
    emission_clean_up(&keeping->emission);
    open_emission(keeping, restarts);
}

static void add_rows(int partition, const char *category, int64_t quantity, int64_t count)
{
    struct buffer scratch = {0};
    fake_add(partition, GROUPED, DAY_S, group_of(category, quantity, &scratch), count, count * 100);
    fake.slots[partition].slot.next++;
    buffer_clean_up(&scratch);
}

static int start(void **state)
{
    struct keeping *keeping = calloc(1, sizeof *keeping);
    *state = keeping;
    memset(&sink_in_memory, 0, sizeof sink_in_memory);
    sink_in_memory.store = (struct sink_store){.operations = &memory_operations, .form = ROW_JSON};
    bench_start(&keeping->bench, 1 << 30);
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 1, 0);
    add_rows(0, "a", 1, 1);
    add_rows(0, "b", 2, 1);
    bench_follow(&keeping->bench);
    keeping->sink = (struct sink){.to = "redis://a/b", .view = &views[GROUPED], .source = &orders};
    keeping->log_end = INT64_MAX;
    open_emission(keeping, false);
    return 0;
}

static int stop(void **state)
{
    struct keeping *keeping = *state;
    emission_clean_up(&keeping->emission);
    bench_stop(&keeping->bench);
    free(keeping);
    return 0;
}

static void assert_turn(struct keeping *keeping, enum emission_outcome expected, size_t written, const char *word)
{
    size_t before = sink_in_memory.written;
    keeping->error = (struct error){0};
    bench_follow(&keeping->bench);
    enum emission_outcome outcome = emission_turn(&keeping->emission, &keeping->error);
    if (outcome != expected || !strstr(keeping->error.message, word))
        fail_msg("%d is not %d with \"%s\": %s", (int)outcome, (int)expected, word, keeping->error.message);
    assert_int_equal(sink_in_memory.written - before, written);
}

static void only_what_changed_is_written(void **state)
{
    struct keeping *keeping = *state;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    assert_turn(keeping, EMISSION_SAME, 0, "");
    assert_int_equal(strncmp(sink_in_memory.statement, "{\"number\": 1, \"view\": \"grouped\"", 31), 0);
    assert_non_null(strstr(sink_in_memory.statement, "\"offsets\": {\"0\": 2, \"1\": 0}"));
    add_rows(1, NULL, 3, 1);
    add_rows(0, "a", 1, 1);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    add_rows(0, "a", 1, -2);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
    assert_int_equal(sink_in_memory.vanished, 1);
    fake.slots[1].slot.next++; /* a message that counts in no row */
    fake.slots[1].slot.sequence++;
    assert_turn(keeping, EMISSION_WROTE, 0, "");
    assert_int_equal(sink_in_memory.count, 2);
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_SAME, 0, "");
}

static void a_state_below_what_the_sink_states_is_waited_out(void **state)
{
    struct keeping *keeping = *state;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    fake_begin(0, 1, 0); /* emptied, and read again from its beginning */
    add_rows(0, "a", 1, 1);
    assert_turn(keeping, EMISSION_WAITS, 0, "partition 0 is being read again");
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_WAITS, 0, "stands below the offset 2");
    add_rows(0, "b", 2, 1);
    add_rows(0, "b", 2, 1);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
}

static void offsets_that_are_gone_from_the_log_are_not_waited_for(void **state)
{
    struct keeping *keeping = *state;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    fake_begin(0, 1, 0);
    add_rows(0, "c", 1, 1);
    keeping->log_end = 1;
    assert_turn(keeping, EMISSION_FAILED, 0, "ends before it");
    assert_int_equal(keeping->error.code, ERROR_CONFIGURATION);
    assert_non_null(strstr(keeping->error.message, "--restart"));
    open_again(keeping, true);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
    assert_int_equal(sink_in_memory.count, 1);
    add_rows(0, "c", 1, 1);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
}

static void after_a_failure_all_is_read_again_from_the_sink(void **state)
{
    struct keeping *keeping = *state;
    sink_in_memory.fails = true;
    assert_turn(keeping, EMISSION_FAILED, 0, "down");
    sink_in_memory.fails = false;
    sink_in_memory.loses_reply = true;
    assert_turn(keeping, EMISSION_FAILED, 2, "no answer");
    sink_in_memory.loses_reply = false;
    assert_turn(keeping, EMISSION_SAME, 0, "");
    add_rows(0, "a", 1, 1);
    sink_in_memory.loses_reply = true;
    assert_turn(keeping, EMISSION_FAILED, 1, "no answer");
    sink_in_memory.loses_reply = false;
    add_rows(0, "b", 2, 1);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
}

static void a_sink_that_was_emptied_is_filled_again_though_nothing_changed(void **state)
{
    struct keeping *keeping = *state;
    sink_in_memory.store.is_mended = true;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    *sink_in_memory.statement = '\0';
    sink_in_memory.count = 0;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    sink_in_memory.rows[0].version.content++; /* edited by others */
    open_again(keeping, false);
    add_rows(0, "c", 2, 1);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
}

static void what_is_not_the_views_is_refused(void **state)
{
    struct keeping *keeping = *state;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    sink_in_memory.rows[0].version.content++;
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_FAILED, 0, "others have changed them");
    open_again(keeping, true);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    char *number = strstr(sink_in_memory.statement, "f-grouped");
    assert_non_null(number);
    *number = 'g';
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_FAILED, 0, "another definition");
    snprintf(sink_in_memory.statement, sizeof sink_in_memory.statement, "{}");
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_FAILED, 0, "no program like this");
    assert_int_equal(keeping->error.code, ERROR_CONFIGURATION);
    *sink_in_memory.statement = '\0';
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_FAILED, 0, "nothing states of what they are");
    open_again(keeping, true);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
}

static void deferred_messages_are_waited_for_unless_the_sink_takes_them(void **state)
{
    struct keeping *keeping = *state;
    fake.slots[0].ledgers[0].deferred = 1;
    fake.slots[0].slot.sequence++;
    assert_turn(keeping, EMISSION_WAITS, 0, "isn't complete");
    keeping->sink.takes_deferred = true;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    assert_non_null(strstr(sink_in_memory.statement, "\"complete\": false"));
}

static void a_lease_that_is_lost_in_the_midst_ends_what_is_known_of_the_sink(void **state)
{
    struct keeping *keeping = *state;
    struct emission other;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    lease_is_ours = false;
    assert_turn(keeping, EMISSION_WAITS, 0, "another process writes it");
    lease_is_ours = true;
    emission_init(&other, &keeping->emission.options);
    add_rows(0, "a", 1, 1);
    bench_follow(&keeping->bench);
    assert_int_equal(emission_turn(&other, &keeping->error), EMISSION_WROTE);
    emission_clean_up(&other);
    assert_turn(keeping, EMISSION_SAME, 0, "");
}

static void a_sink_that_was_away_for_long_is_brought_up_in_one_micro_batch(void **state)
{
    struct keeping *keeping = *state;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    sink_in_memory.fails = true;
    for (int i = 0; i < 3600; i++) {
        add_rows(0, i % 2 ? "a" : "b", i % 2 ? 1 : 2, 1);
        assert_turn(keeping, EMISSION_FAILED, 0, "down");
    }
    sink_in_memory.fails = false;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    assert_non_null(strstr(sink_in_memory.statement, "{\"number\": 2, "));
}

static int start_append(void **state)
{
    views[GROUPED].watermark_us = 600 * US_PER_SECOND;
    start(state);
    struct keeping *keeping = *state;
    keeping->sink.appends = true;
    sink_in_memory.store.is_mended = true;
    return 0;
}

static int stop_append(void **state)
{
    stop(state);
    views[GROUPED].watermark_us = 0;
    return 0;
}

/* The view's windows are hours; the first has ended where the watermark is an hour into the day. */
static void set_watermark(int partition, int64_t second)
{
    fake.slots[partition].slot.clock_us = (DAY_S + second + 600) * US_PER_SECOND;
    fake.slots[partition].slot.next++;
    fake.slots[partition].slot.sequence++;
}

static void assert_last(const char *end)
{
    size_t length = strlen(sink_in_memory.last);
    if (length < strlen(end) || strcmp(sink_in_memory.last + length - strlen(end), end) != 0)
        fail_msg("%s doesn't end with %s", sink_in_memory.last, end);
}

static void a_row_is_appended_once_it_is_final_and_numbered_when_it_is_restated(void **state)
{
    struct keeping *keeping = *state;
    set_watermark(0, 3599);
    assert_turn(keeping, EMISSION_WROTE, 0, "");
    set_watermark(0, 3600);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    assert_last("\"final\": true}");
    assert_non_null(strstr(sink_in_memory.statement, "\"mode\": \"append\", \"rows\": 2, "));
    assert_non_null(strstr(sink_in_memory.statement, "\"1\": 0}, \"watermark\": \"20"));
    assert_turn(keeping, EMISSION_SAME, 0, "");
    add_rows(0, "a", 1, 1);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
    assert_last("\"final\": true, \"revision\": 2}");
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_SAME, 0, "");
    add_rows(0, "a", 1, -2);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
    assert_last("\"category\": \"a\", \"quantity\": 1, \"revision\": 3, \"removed\": true}");
    assert_int_equal(sink_in_memory.vanished, 1);
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_SAME, 0, "");
    add_rows(0, "a", 1, 5);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
    assert_last("\"final\": true, \"revision\": 4}");
    assert_int_equal(keeping->emission.restated, 1);
}

static void rows_that_vanished_while_nobody_emitted_are_removed(void **state)
{
    struct keeping *keeping = *state;
    set_watermark(0, 3600);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    add_rows(0, "a", 1, -1);
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
    assert_last("\"revision\": 2, \"removed\": true}");
}

static void a_row_that_is_not_final_any_more_stays_until_it_is_again(void **state)
{
    struct keeping *keeping = *state;
    set_watermark(0, 3600);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    set_watermark(1, 0); /* the first message of the other partition */
    add_rows(0, "a", 1, 1);
    assert_turn(keeping, EMISSION_WROTE, 0, "");
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_SAME, 0, "");
    set_watermark(1, 3600);
    assert_turn(keeping, EMISSION_WROTE, 1, "");
    assert_last("\"revision\": 2}");
}

static int start_retained(void **state)
{
    views[GROUPED].retention_s = 7200;
    return start(state);
}

static int start_append_retained(void **state)
{
    views[GROUPED].retention_s = 7200;
    return start_append(state);
}

static int stop_retained(void **state)
{
    views[GROUPED].retention_s = 0;
    return stop_append(state);
}

static void rows_past_the_retention_go(void **state)
{
    struct keeping *keeping = *state;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    set_watermark(0, 4 * 3600);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    assert_int_equal(sink_in_memory.vanished, 2);
    assert_int_equal(sink_in_memory.count, 0);
}

static void rows_past_the_retention_go_though_nobody_emitted_meanwhile(void **state)
{
    struct keeping *keeping = *state;
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    set_watermark(0, 4 * 3600);
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    assert_int_equal(sink_in_memory.count, 0);
}

/* Who reads the log of final rows has been given them. */
static void what_was_appended_stays_past_the_retention(void **state)
{
    struct keeping *keeping = *state;
    set_watermark(0, 3600);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    set_watermark(0, 4 * 3600);
    assert_turn(keeping, EMISSION_WROTE, 0, "");
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_SAME, 0, "");
    assert_int_equal(sink_in_memory.count, 2);
}

static void another_mode_is_refused(void **state)
{
    struct keeping *keeping = *state;
    set_watermark(0, 3600);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
    keeping->sink.appends = false;
    open_again(keeping, false);
    assert_turn(keeping, EMISSION_FAILED, 0, "written in the mode append, and mode is update; --restart");
    assert_int_equal(keeping->error.code, ERROR_CONFIGURATION);
    open_again(keeping, true);
    assert_turn(keeping, EMISSION_WROTE, 2, "");
}

static void windows_that_memory_gave_up_cannot_be_copied(void **state)
{
    struct keeping *keeping = *state;
    view_rows_raise_floor(&keeping->bench.snapshot->views[GROUPED].rows, (DAY_S + 3600) * US_PER_SECOND);
    assert_turn(keeping, EMISSION_FAILED, 0, "http.memory is full");
    assert_int_equal(keeping->error.code, ERROR_CONFIGURATION);
    assert_non_null(strstr(keeping->error.message, "raise http.memory; a copy asks for all windows of the view"));
}

static int start_hopping(void **state)
{
    views[GROUPED].panes = HOPS_MAX;
    return start(state);
}

static int stop_hopping(void **state)
{
    views[GROUPED].panes = 0;
    return stop(state);
}

static void more_rows_than_a_roll_up_makes_are_no_matter_of_memory(void **state)
{
    struct keeping *keeping = *state;
    for (int64_t i = 0; i < MERGED_GROUPS; i++)
        add_rows(1, "c", i, 1);
    assert_turn(keeping, EMISSION_FAILED, 0, "there are more than 1000000 rows");
    assert_int_equal(keeping->error.code, ERROR_CONFIGURATION);
    assert_non_null(strstr(keeping->error.message, "fewer dimensions in group_by; a copy asks for all windows"));
    assert_null(strstr(keeping->error.message, "http.memory"));
}

int main(void)
{
    if (make_views(NULL) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_what_changed_is_written, start, stop),
        cmocka_unit_test_setup_teardown(a_state_below_what_the_sink_states_is_waited_out, start, stop),
        cmocka_unit_test_setup_teardown(offsets_that_are_gone_from_the_log_are_not_waited_for, start, stop),
        cmocka_unit_test_setup_teardown(after_a_failure_all_is_read_again_from_the_sink, start, stop),
        cmocka_unit_test_setup_teardown(a_sink_that_was_emptied_is_filled_again_though_nothing_changed, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_the_views_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(deferred_messages_are_waited_for_unless_the_sink_takes_them, start, stop),
        cmocka_unit_test_setup_teardown(a_lease_that_is_lost_in_the_midst_ends_what_is_known_of_the_sink, start, stop),
        cmocka_unit_test_setup_teardown(a_sink_that_was_away_for_long_is_brought_up_in_one_micro_batch, start, stop),
        cmocka_unit_test_setup_teardown(a_row_is_appended_once_it_is_final_and_numbered_when_it_is_restated,
                                        start_append, stop_append),
        cmocka_unit_test_setup_teardown(rows_that_vanished_while_nobody_emitted_are_removed, start_append, stop_append),
        cmocka_unit_test_setup_teardown(a_row_that_is_not_final_any_more_stays_until_it_is_again, start_append,
                                        stop_append),
        cmocka_unit_test_setup_teardown(rows_past_the_retention_go, start_retained, stop_retained),
        cmocka_unit_test_setup_teardown(rows_past_the_retention_go_though_nobody_emitted_meanwhile, start_retained,
                                        stop_retained),
        cmocka_unit_test_setup_teardown(what_was_appended_stays_past_the_retention, start_append_retained,
                                        stop_retained),
        cmocka_unit_test_setup_teardown(another_mode_is_refused, start_append, stop_append),
        cmocka_unit_test_setup_teardown(windows_that_memory_gave_up_cannot_be_copied, start, stop),
        cmocka_unit_test_setup_teardown(more_rows_than_a_roll_up_makes_are_no_matter_of_memory, start_hopping,
                                        stop_hopping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
