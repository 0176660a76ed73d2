/* SPDX-License-Identifier: Apache-2.0 */
#include "serving_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "base/clock.h"
#include "base/log.h"

static char folder[] = "/tmp/tidemark-access-XXXXXX";
static char path[sizeof folder + 20];

static int make_folder(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/tokens.yaml", folder);
    return make_views(state);
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

/* Under another inode each time, as editors and Kubernetes do it. */
static void write_tokens(const char *text)
{
    char beside[sizeof path + 4];
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(beside, path), 0);
}

/* "sha256: …" of a token, which is its name. */
static const char *entry(const char *token, const char *rest)
{
    static char text[4][200];
    static unsigned next;
    char command[100], digest[65];
    (void)snprintf(command, sizeof command, "printf %%s %s | sha256sum", token);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fread(digest, 1, 64, pipe), 64);
    digest[64] = '\0';
    pclose(pipe);
    char *out = text[next++ % 4];
    (void)snprintf(out, sizeof text[0], "%s:\n  sha256: %s\n%s", token, digest, rest);
    return out;
}

static const struct settings *settings_of_views(void)
{
    static struct settings settings;
    settings.sources = &orders;
    settings.source_count = 1;
    settings.http.tokens_file = path;
    return &settings;
}

static struct bench bench;

static int start(void **state)
{
    char text[1000];
    (void)state;
    (void)snprintf(text, sizeof text, "%s%s%s%s", entry("board", "  views: all\n"), entry("one", "  views: [daily]\n"),
                   entry("old", "  views: all\n  expires: 2020-01-01T00:00:00Z\n"), entry("ops", "  operator: true\n"));
    write_tokens(text);
    bench_start(&bench, 1 << 30);
    fake_begin(0, 1, 0);
    bench_follow(&bench);
    assert_true(access_open(settings_of_views(), &bench.serving.access, NULL));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bench_stop(&bench);
    access_close(bench.serving.access);
    bench.serving = (struct serving){0};
    return 0;
}

static void assert_status(const char *target, const char *authorization, unsigned expected, const char *word)
{
    struct reply reply = {0};
    const char *name;
    route(&bench.serving, &(struct request_head){.target = target, .authorization = authorization}, &reply, &name);
    const char *body = reply.constant ? reply.constant : buffer_string(&reply.body);
    if (reply.status != expected || !strstr(body, word))
        fail_msg("%s by %s: %u is not %u with \"%s\":\n%s", target, authorization ? authorization : "nobody",
                 reply.status, expected, word, body);
    assert_int_equal(reply.header_count == 1 && strcmp(reply.headers[0].name, "WWW-Authenticate") == 0,
                     expected == 401);
    reply_clean_up(&reply);
}

/* Opens a stream of the view with this token. */
static void open_stream(const char *authorization, struct reply *ret_reply)
{
    const char *name;
    *ret_reply = (struct reply){0};
    route(&bench.serving, &(struct request_head){.target = "/v1/views/daily/stream", .authorization = authorization},
          ret_reply, &name);
    assert_int_equal(ret_reply->status, 200);
    assert_string_equal(name, "/v1/views/{view}/stream");
}

static bool may_read(const struct reply *reply)
{
    return reply->stream.may_read(reply->stream.context);
}

/* Until it is read again, a file that changed changes nothing. */
static void a_stream_ends_when_its_token_does(void **state)
{
    struct reply all, one;
    char text[1000];
    (void)state;
    bench_stream(&bench, 2);
    assert_status("/v1/views/daily/stream", NULL, 401, "a token is needed");
    assert_status("/v1/views/grouped/stream", "Bearer one", 403, "isn't for a view");
    open_stream("Bearer board", &all);
    open_stream("Bearer one", &one);
    assert_true(may_read(&all) && may_read(&one));
    (void)snprintf(text, sizeof text, "%s%s", entry("board", "  views: all\n"), entry("one", "  views: [grouped]\n"));
    write_tokens(text);
    assert_true(may_read(&all) && may_read(&one));
    assert_true(access_refresh(bench.serving.access, NULL));
    assert_true(may_read(&all));
    assert_false(may_read(&one)); /* it is for another view now */
    write_tokens("not: [right\n");
    assert_false(access_refresh(bench.serving.access, NULL));
    assert_true(may_read(&all));
    (void)snprintf(text, sizeof text, "%s", entry("board", "  views: all\n  expires: 2020-01-01T00:00:00Z\n"));
    write_tokens(text);
    assert_true(access_refresh(bench.serving.access, NULL));
    assert_false(may_read(&all));
    write_tokens(entry("other", "  views: all\n"));
    assert_true(access_refresh(bench.serving.access, NULL));
    assert_false(may_read(&all));
    reply_clean_up(&all);
    reply_clean_up(&one);
}

static void who_has_no_valid_token_sees_only_that_the_program_lives(void **state)
{
    static const char *const authorizations[] = {
        NULL,          "",      "Bearer",    "Bearer ", "Bearer boar", "Bearer boards", "Bearer board ",
        "Basic board", "board", "Bearer old"};
    static const char *const guarded[] = {"/v1/views",  "/v1/views/daily", "/v1/views/nothing",
                                          "/v1/status", "/v1/runs",        "/v1/ledger",
                                          "/v1/alerts", "/metrics",        "/openapi.json"};
    (void)state;
    for (size_t i = 0; i < sizeof authorizations / sizeof authorizations[0]; i++) {
        for (size_t route = 0; route < sizeof guarded / sizeof guarded[0]; route++)
            assert_status(guarded[route], authorizations[i], 401, "token");
        assert_status("/livez", authorizations[i], 200, "ok");
        assert_status("/readyz", authorizations[i], 200, "ok");
        assert_status("/", authorizations[i], 200, "<html");
    }
    assert_status("/v1/views", "Bearer old", 401, "the token old has expired");
}

static void a_token_sees_what_its_entry_says_and_nothing_else(void **state)
{
    (void)state;
    assert_status("/v1/views/grouped", "Bearer board", 200, "rows");
    assert_status("/v1/views/dayly", "bearer board", 404, "did you mean daily");
    assert_status("/v1/status", "Bearer board", 403, "the token board isn't one for operators");
    assert_status("/v1/views/daily", "Bearer one", 200, "rows");
    assert_status("/v1/views/grouped", "Bearer one", 403, "isn't for a view grouped");
    assert_status("/v1/views/grouqed", "Bearer one", 403, "isn't for a view grouqed; /v1/views lists those it is for");
    assert_status("/v1/views/daily", "Bearer ops", 403, "isn't for a view daily");
    assert_status("/v1/status", "Bearer ops", 200, "sources");
    struct reply reply = {0};
    const char *name;
    route(&bench.serving, &(struct request_head){.target = "/v1/views", .authorization = "Bearer one"}, &reply, &name);
    assert_non_null(strstr(buffer_string(&reply.body), "daily"));
    assert_null(strstr(buffer_string(&reply.body), "grouped"));
    reply_clean_up(&reply);
}

static void the_file_is_read_again_when_it_changes_and_an_error_keeps_the_old(void **state)
{
    (void)state;
    assert_true(access_refresh(bench.serving.access, NULL));
    write_tokens(entry("fresh", "  views: all\n"));
    assert_status("/v1/views", "Bearer fresh", 401, "isn't known");
    assert_true(access_refresh(bench.serving.access, NULL));
    assert_status("/v1/views", "Bearer fresh", 200, "daily");
    assert_status("/v1/views", "Bearer board", 401, "isn't known");
    write_tokens("fresh: { sha256: 12 }\n");
    assert_false(access_refresh(bench.serving.access, NULL));
    assert_false(access_refresh(bench.serving.access, NULL));
    assert_status("/v1/views", "Bearer fresh", 200, "daily");
    assert_int_equal(unlink(path), 0);
    assert_false(access_refresh(bench.serving.access, NULL));
    assert_status("/v1/views", "Bearer fresh", 200, "daily");
    write_tokens("{}\n");
    assert_true(access_refresh(bench.serving.access, NULL));
    assert_status("/v1/views", "Bearer fresh", 401, "isn't known");
}

static void what_is_wrong_in_the_file_is_told_with_its_place(void **state)
{
#define DIGEST "0000000000000000000000000000000000000000000000000000000000000000"
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: { sha256: 12 }\n", ":1:14: \"sha256\" must be 64 hexadecimal digits"},
        {"a: { views: all }\n", "sha256"},
        {"a: { sha256: \"" DIGEST "\", views: [nothing] }\n", ": unknown view \"nothing\""},
        {"a: { sha256: \"" DIGEST "\", views: some }\n", "\"all\" or a list of views"},
        {"a: { sha256: \"" DIGEST "\", expires: soon }\n", "2027-01-01T00:00:00Z"},
        {"a: { sha256: \"" DIGEST "\", operator: yes }\n", "true or false"},
        {"a: { sha256: \"" DIGEST "\", rights: all }\n", "rights"},
        {"a b: { sha256: \"" DIGEST "\" }\n", "a name is of"},
        {"- a\n", "expected a map of tokens by name"},
        {"a: [\n", ":"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct access *access;
        struct error error = {0};
        write_tokens(cases[i].text);
        assert_false(access_open(settings_of_views(), &access, &error));
        assert_int_equal(error.code, ERROR_CONFIGURATION);
        if (!strstr(error.message, cases[i].message) || strncmp(error.message, path, strlen(path)) != 0)
            fail_msg("%s", error.message);
    }
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, (enum log_level)(LOG_LEVEL_ERROR + 1));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_ends_when_its_token_does, start, stop),
        cmocka_unit_test_setup_teardown(who_has_no_valid_token_sees_only_that_the_program_lives, start, stop),
        cmocka_unit_test_setup_teardown(a_token_sees_what_its_entry_says_and_nothing_else, start, stop),
        cmocka_unit_test_setup_teardown(the_file_is_read_again_when_it_changes_and_an_error_keeps_the_old, start, stop),
        cmocka_unit_test(what_is_wrong_in_the_file_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
