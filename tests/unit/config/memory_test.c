/* SPDX-License-Identifier: Apache-2.0
 * Configurations while memory is short. */
#include "cmocka_test.h"
#include "failing_memory.h"

#include <unistd.h>

#include "config/load.h"

static const char whole[] =
    "time_zone: America/New_York\n"
    "kafka: { brokers: \"${TIDEMARK_NO_SUCH:-127.0.0.1:9092}\", group: t, properties: { client.id: a, linger.ms: 5 } "
    "}\n"
    "redis: { url: \"redis://127.0.0.1\", password_file: %s }\n"
    "postgres: { url: \"host=/run/postgresql\" }\n"
    "http: { listen: \"[::1]:8080\", memory: 64 MiB }\n"
    "sources:\n"
    "  a: { topic: kafka://a, key: id, event_time: { field: at, unit: milliseconds }, dead_letter: kafka://bad,\n"
    "       fields: { id: text, at: integer, price: decimal(3) } }\n"
    "  b: { topic: kafka://b, event_time: t, on_duplicate: none, fields: { amount: decimal(0) } }\n"
    "views:\n"
    "  v: { source: a, where: \"id in ('a', 'it''s') and not (at is null) or price < 1.50\", window: tumbling_1_day,\n"
    "       time_zone: Europe/London, retention: 7 days, dimensions: [id, at], measures: { c: count, s: sum(price) } "
    "}\n"
    "  w: { source: b, window: tumbling 6 hours, measures: { m: avg(amount) } }\n"
    "jobs: { j: { schedule: \"0 2 * * mon-fri\", sources: [b, a] }, k: { schedule: \"*/5 * * * *\" } }\n";

static const char wrong[] =
    "time_zone: Eurpe/Londom\n"
    "kafkaa: { brokers: x }\n"
    "http: { memory: 1 B, threads: 0 }\n"
    "speed: { flush_every: 1 year }\n"
    "sources:\n"
    "  a: { topic: kafka://a, key: ix, on_duplicate: replaced, event_time: t, password: \"x\",\n"
    "       fields: { id: text } }\n"
    "  b: { topic: b, event_time: t, on_duplicate: nine, fields: { id: txt } }\n"
    "  c: { topic: kafka://c, event_time: t, on_duplicate: none, fields: { id: text } }\n"
    "views:\n"
    "  w: { source: c, window: tumblin 1 dya, measures: { n: count } }\n"
    "  v: { source: aa, window: tumbling_1_day, measures: { c: count } }\n"
    "jobs: { j: { schedule: \"0 2 * * moo\" } }\n";

struct file {
    char path[64], secret[64];
    char fingerprint[FINGERPRINT_SIZE]; /* of the first source, as it is */
    char message[1000];                 /* of the error, as it is */
};

static void make_file(char path[64], const char *format, const char *argument)
{
    strcpy(path, "/tmp/tidemark-memory-XXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_true(dprintf(descriptor, format, argument) > 0);
    assert_int_equal(close(descriptor), 0);
}

static void says_that_memory_is_short(const struct error *error)
{
    if (error->code != ERROR_INTERNAL || !strstr(error->message, "memory"))
        fail_msg("%d: %s", error->code, error->message);
}

static bool load_whole(void *context)
{
    const struct file *file = context;
    struct settings *settings = NULL;
    struct error error = {0};
    if (!settings_load(file->path, &settings, &error)) {
        assert_null(settings);
        says_that_memory_is_short(&error);
        return false;
    }
    assert_int_equal(settings->source_count, 2);
    assert_string_equal(settings->sources[0].fingerprint, file->fingerprint);
    assert_string_equal(settings->redis.password, "secret");
    assert_int_equal(settings->jobs[1].source_count, 2);
    settings_destroy(settings);
    return true;
}

static void a_configuration_loads_whole_or_says_that_memory_is_short(void **state)
{
    (void)state;
    struct file file;
    struct settings *settings;
    struct error error;
    make_file(file.secret, "%s\n", "secret");
    make_file(file.path, whole, file.secret);
    if (!settings_load(file.path, &settings, &error))
        fail_msg("%s", error.message);
    strcpy(file.fingerprint, settings->sources[0].fingerprint);
    settings_destroy(settings);
    fail_every_allocation(load_whole, &file);
    assert_int_equal(unlink(file.path), 0);
    assert_int_equal(unlink(file.secret), 0);
}

static bool load_wrong(void *context)
{
    const struct file *file = context;
    struct settings *settings = NULL;
    struct error error = {0};
    assert_false(settings_load(file->path, &settings, &error));
    assert_null(settings);
    if (error.code == ERROR_CONFIGURATION) {
        assert_string_equal(error.message, file->message);
        return true;
    }
    says_that_memory_is_short(&error);
    return false;
}

static void mistakes_are_told_in_full_or_that_memory_is_short(void **state)
{
    (void)state;
    struct file file;
    struct settings *settings;
    struct error error;
    make_file(file.path, "%s", wrong);
    assert_false(settings_load(file.path, &settings, &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    strcpy(file.message, error.message);
    fail_every_allocation(load_wrong, &file);
    assert_int_equal(unlink(file.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_loads_whole_or_says_that_memory_is_short),
        cmocka_unit_test(mistakes_are_told_in_full_or_that_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
