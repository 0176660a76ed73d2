/* SPDX-License-Identifier: Apache-2.0
 * What /v1/status says of detectors. */
#include "cmocka_test.h"

#include "routes.h"

static const struct source payments = {.name = "payments"};
static const struct detector detectors[] = {{.name = "fraud", .source = &payments, .alerts = "alerts"}};

/* A group with a position in the last of its three partitions alone. */
struct group {
    struct alert_store store;
    bool is_down;
    size_t partitions;
};

static bool read_positions(struct alert_store *store, struct detector_position ret_positions[], size_t count,
                           struct error *error)
{
    if (((struct group *)store)->is_down)
        return error_set(error, ERROR_UNAVAILABLE, "down");
    for (size_t i = 0; i < count; i++)
        ret_positions[i] = (struct detector_position){.offset = i == 2 ? 17 : -1, .gap = 3};
    return true;
}

static void let_go(struct alert_store *store)
{
    (void)store;
}

static bool open_store(void *context, size_t detector, struct alert_store **ret_store, struct error *error)
{
    struct group *group = context;
    (void)error;
    assert_int_equal(detector, 0);
    *ret_store = &group->store;
    return true;
}

static size_t count_partitions(void *context, size_t detector)
{
    (void)detector;
    return ((struct group *)context)->partitions;
}

static void assert_status(const struct serving *serving, const char *expected)
{
    struct reply reply = {0};
    const char *name;
    route(serving, &(struct request_head){.target = "/v1/status"}, &reply, &name);
    assert_int_equal(reply.status, 200);
    assert_string_equal(buffer_string(&reply.body), expected);
    reply_clean_up(&reply);
}

static void status_says_where_a_detector_stands_and_what_it_lost(void **state)
{
    (void)state;
    static const struct alert_store_operations operations = {.positions = read_positions, .destroy = let_go};
    struct group group = {.store.operations = &operations, .partitions = 3};
    const struct detector_watch_options options = {
        .detectors = detectors, .count = 1, .open = open_store, .partitions = count_partitions, .context = &group};
    struct serving serving = {.detectors = detectors, .detector_count = 1};
    struct error error = {0};
    const char *unknown = "{\"sources\": [],\n\"detectors\": [{\"name\": \"fraud\", \"source\": \"payments\", "
                          "\"partitions\": null}],\n\"alarms\": []}\n";
    assert_true(detector_watch_new(&options, &serving.detector_watch, &error));
    assert_status(&serving, unknown);
    detector_watch_look(serving.detector_watch);
    assert_status(&serving, "{\"sources\": [],\n\"detectors\": [{\"name\": \"fraud\", \"source\": \"payments\", "
                            "\"partitions\": {\"2\": {\"next\": 17, \"gap\": 3}}}],\n\"alarms\": []}\n");
    group.is_down = true;
    detector_watch_look(serving.detector_watch);
    assert_status(&serving, unknown);
    detector_watch_destroy(serving.detector_watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_says_where_a_detector_stands_and_what_it_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
