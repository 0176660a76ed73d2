/* SPDX-License-Identifier: Apache-2.0
 * The listener of a program without queries, over real sockets, and the probe that asks it. */
#include "cmocka_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/monitor.h"
#include "http/probe.h"
#include "http/server.h"

#define PATIENCE_MS 60000

static const struct metric table[] = {{.name = "tidemark_test_total", .kind = METRIC_COUNTER, .help = "A count."}};

struct bench {
    char folder[40], configuration[80];
    const char *hindrance; /* NULL: there is none */
    struct health health;
};

static void append_hindrances(void *context, struct buffer *out)
{
    const struct bench *bench = context;
    if (bench->hindrance)
        buffer_append_string(out, bench->hindrance);
}

static void observe(void *context)
{
    struct bench *bench = context;
    metric_set(metrics_series(bench->health.metrics, 0, NULL), 42);
}

static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    strcpy(bench->folder, "/tmp/tidemark-monitor-XXXXXX");
    if (!mkdtemp(bench->folder) || setenv("RUNTIME_DIRECTORY", bench->folder, 1) != 0)
        return -1;
    snprintf(bench->configuration, sizeof bench->configuration, "%s/tidemark.yaml", bench->folder);
    bench->health = (struct health){append_hindrances, observe, NULL, metrics_new(table, 1), bench};
    *state = bench;
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    metrics_destroy(bench->health.metrics);
    int left = rmdir(bench->folder); /* fails where a socket was left behind */
    free(bench);
    return left;
}

static struct monitor_place place_of(const struct bench *bench)
{
    return (struct monitor_place){.program = "tidemark-test", .configuration = bench->configuration};
}

static struct monitor *started(const struct bench *bench, const struct monitor_place *place)
{
    struct monitor *monitor = NULL;
    struct error error = {0};
    if (!monitor_start(place, &bench->health, &monitor, &error))
        fail_msg("%s", error.message);
    return monitor;
}

static void assert_works(const struct monitor_place *place)
{
    struct error error = {0};
    if (!monitor_probe(place, PATIENCE_MS, &error))
        fail_msg("%s", error.message);
}

static void assert_hindered(const struct monitor_place *place, enum error_code code, const char *words)
{
    struct error error = {0};
    assert_false(monitor_probe(place, PATIENCE_MS, &error));
    assert_int_equal(error.code, code);
    if (!strstr(error.message, words))
        fail_msg("\"%s\" isn't in: %s", words, error.message);
}

static void the_probe_says_whether_the_process_does_its_work(void **state)
{
    struct bench *bench = *state;
    const struct monitor_place place = place_of(bench);
    assert_hindered(&place, ERROR_UNAVAILABLE, "no process of this configuration");
    struct monitor *monitor = started(bench, &place);
    assert_works(&place);
    bench->hindrance = "orders/1: waits\norders/2: waits\n";
    assert_hindered(&place, ERROR_TRY_AGAIN, "orders/1: waits;orders/2: waits");
    monitor_stop(monitor);
    assert_hindered(&place, ERROR_UNAVAILABLE, "no process of this configuration");
}

static void processes_of_one_configuration_are_all_asked(void **state)
{
    struct bench *bench = *state;
    struct bench other = *bench;
    other.health.context = &other;
    const struct monitor_place place = place_of(bench);
    struct monitor *first = started(bench, &place), *second = started(&other, &place);
    assert_string_not_equal(monitor_address(first), monitor_address(second));
    assert_works(&place);
    other.hindrance = "it waits";
    assert_hindered(&place, ERROR_TRY_AGAIN, "it waits");
    monitor_stop(first);
    assert_hindered(&place, ERROR_TRY_AGAIN, "it waits");
    other.hindrance = NULL;
    assert_works(&place);
    monitor_stop(second);
}

static void another_configuration_is_another_process(void **state)
{
    struct bench *bench = *state;
    const struct monitor_place place = place_of(bench);
    struct monitor_place other = place;
    other.configuration = "/etc/another.yaml";
    struct monitor *monitor = started(bench, &place);
    assert_hindered(&other, ERROR_UNAVAILABLE, "no process of this configuration");
    monitor_stop(monitor);
}

/* A socket in the file system to which nobody listens. */
static void leave_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    close(descriptor);
}

static void a_socket_that_was_left_behind_is_taken_over(void **state)
{
    struct bench *bench = *state;
    char path[80];
    snprintf(path, sizeof path, "%s/socket", bench->folder);
    struct monitor_place place = place_of(bench);
    place.address.host = path;
    leave_socket(path);
    assert_hindered(&place, ERROR_UNAVAILABLE, "nobody answers at unix:///tmp/");
    struct monitor *monitor = started(bench, &place), *second = NULL;
    struct error error = {0};
    assert_works(&place);
    assert_false(monitor_start(&place, &bench->health, &second, &error));
    assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_non_null(strstr(error.message, "Address already in use"));
    assert_works(&place); /* the first has its socket still */
    monitor_stop(monitor);
}

static void a_folder_of_somebody_else_is_not_used(void **state)
{
    struct bench *bench = *state;
    const struct monitor_place place = place_of(bench);
    struct monitor *monitor = NULL;
    struct error error = {0};
    char link[60];
    snprintf(link, sizeof link, "%s/link", bench->folder);
    assert_int_equal(symlink("/tmp", link), 0);
    setenv("RUNTIME_DIRECTORY", link, 1);
    assert_false(monitor_start(&place, &bench->health, &monitor, &error));
    assert_non_null(strstr(error.message, "isn't a folder of this user"));
    unlink(link);
}

static void a_file_that_is_no_socket_is_left_as_it_is(void **state)
{
    struct bench *bench = *state;
    char path[60], link[60];
    struct stat before, after;
    snprintf(path, sizeof path, "%s/file", bench->folder);
    snprintf(link, sizeof link, "%s/link", bench->folder);
    int descriptor = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(symlink(path, link), 0);
    const char *const paths[] = {path, link};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct listen_address address = {.host = paths[i]};
        struct error error = {0};
        assert_int_equal(lstat(paths[i], &before), 0);
        assert_false(listen_open(&address, &descriptor, &error));
        assert_int_equal(error.code, ERROR_UNAVAILABLE);
        assert_non_null(strstr(error.message, "File exists"));
        assert_int_equal(lstat(paths[i], &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
    }
    unlink(link);
    unlink(path);
}

static void a_process_that_is_silent_does_not_keep_the_probe(void **state)
{
    struct bench *bench = *state;
    char path[80];
    snprintf(path, sizeof path, "%s/socket", bench->folder);
    const struct listen_address address = {.host = path};
    int descriptor;
    struct error error = {0};
    assert_true(listen_open(&address, &descriptor, &error));
    assert_false(probe_ask(&(struct probe_target){.address = address}, 50, &error));
    assert_string_equal(error.message, "it listens and doesn't answer");
    close(descriptor);
    unlink(path);
}

static void get(const struct health *health, const char *target, unsigned status, const char *words)
{
    struct reply reply = {0};
    const char *route;
    health_route(health, target, &reply, &route);
    const char *body = reply.constant ? reply.constant : buffer_string(&reply.body);
    if (reply.status != status || !strstr(body, words))
        fail_msg("%s: %u %s", target, reply.status, body);
    reply_clean_up(&reply);
}

static void liveness_readiness_and_metrics_are_all_that_is_answered(void **state)
{
    struct bench *bench = *state;
    get(&bench->health, "/livez", 200, "ok\n");
    get(&bench->health, "/readyz", 200, "ok\n");
    get(&bench->health, "/metrics", 200, "tidemark_test_total 42\n");
    get(&bench->health, "/", 404, "/metrics");
    get(&bench->health, "/livez/x", 404, "/metrics");
    get(&bench->health, "/livez?a=b", 400, "no parameter");
    bench->hindrance = "it waits\n";
    get(&bench->health, "/livez", 200, "ok\n");
    get(&bench->health, "/readyz", 503, "it waits\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_probe_says_whether_the_process_does_its_work, start, stop),
        cmocka_unit_test_setup_teardown(processes_of_one_configuration_are_all_asked, start, stop),
        cmocka_unit_test_setup_teardown(another_configuration_is_another_process, start, stop),
        cmocka_unit_test_setup_teardown(a_socket_that_was_left_behind_is_taken_over, start, stop),
        cmocka_unit_test_setup_teardown(a_folder_of_somebody_else_is_not_used, start, stop),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_socket_is_left_as_it_is, start, stop),
        cmocka_unit_test_setup_teardown(a_process_that_is_silent_does_not_keep_the_probe, start, stop),
        cmocka_unit_test_setup_teardown(liveness_readiness_and_metrics_are_all_that_is_answered, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
