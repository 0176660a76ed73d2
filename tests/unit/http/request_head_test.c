/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "http/request_head.h"
#include "http/target.h"

static struct request_head get(const char *host)
{
    struct request_head head = {.method = "GET", .target = "/", .version = "HTTP/1.1"};
    if (host)
        request_head_note(&head, "Host", host);
    return head;
}

/* The status, 0 where it is taken. */
static unsigned status_of(const struct request_head *head, bool *ret_close)
{
    struct reply reply = {0};
    struct problem problem = {0};
    bool taken = request_head_check(head, &reply, &problem, ret_close);
    assert_int_equal(taken, problem.status == 0);
    reply_clean_up(&reply);
    return problem.status;
}

static void assert_head(const struct request_head *head, unsigned expected, bool closes)
{
    bool close_connection = false;
    assert_int_equal(status_of(head, &close_connection), expected);
    if (expected)
        assert_int_equal(close_connection, closes);
}

static void a_host_is_a_name_or_an_address_and_may_have_a_port(void **state)
{
    static const char *const good[] = {
        "",          "a",     "a:",         "a:80",  "A-b_c.example:8080",
        "127.0.0.1", "[::1]", "[::1]:8080", "a%20b", "xn--a!$&'",
        "[v1.a:b]",  "a ",    "a:80 \t",    ":80",
    };
    static const char *const bad[] = {
        "a b",    "a/b", "a@b",  "a:b", "a:80:80", "[::1",  "::1",
        "[::1]a", "a%2", "a%zz", "a?b", "a#b",     "\"a\"", "\xc3\xa9",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct request_head head = get(good[i]);
        assert_head(&head, 0, false);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct request_head head = get(bad[i]);
        assert_head(&head, 400, true);
    }
}

static void a_host_is_needed_once_but_for_the_oldest_version(void **state)
{
    (void)state;
    struct request_head head = get(NULL);
    assert_head(&head, 400, true);
    head.version = "HTTP/1.2";
    assert_head(&head, 400, true);
    head.version = "HTTP/1.0";
    assert_head(&head, 0, false);
    request_head_note(&head, "host", "a");
    assert_head(&head, 0, false);
    request_head_note(&head, "HOST", "a");
    assert_head(&head, 400, true);
}

static void a_length_is_a_number_and_of_nothing(void **state)
{
    static const struct {
        const char *length;
        unsigned status;
    } cases[] = {
        {"0", 0},      {"000", 0},
        {"0 ", 0},     {"", 400},
        {" ", 400},    {"5", 400},
        {"05", 400},   {"-0", 400},
        {"+0", 400},   {"0x0", 400},
        {"0, 0", 400}, {"0 0", 400},
        {"five", 400}, {"99999999999999999999", 400},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request_head head = get("a");
        request_head_note(&head, "content-length", cases[i].length);
        assert_head(&head, cases[i].status, true);
        request_head_note(&head, "Content-Length", cases[i].length);
        assert_head(&head, 400, true);
    }
    struct request_head head = get("a");
    request_head_note(&head, "Transfer-Encoding", "");
    assert_head(&head, 400, true);
}

static void a_header_that_others_may_read_otherwise_is_refused(void **state)
{
    static const char *const cases[][2] = {
        {"", "v"},          {"X ", "v"},   {" X", "v"},    {"X\t", "v"},   {"X(", "v"},
        {"X\xc3\xa9", "v"}, {"X", "a\rb"}, {"X", "a\x01"}, {"X", "a\x7f"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request_head head = get("a");
        request_head_note(&head, cases[i][0], cases[i][1]);
        assert_head(&head, 400, true);
    }
    struct request_head head = get("a");
    request_head_note(&head, "X-a_1!#$%&'*+.^`|~", "tabs\tand \xff bytes");
    assert_head(&head, 0, false);
}

static void an_address_is_one_word(void **state)
{
    static const char *const cases[] = {"/a b", "/a\tb", "/a ", "/a\rb", "/a\x7f"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request_head head = get("a");
        head.target = cases[i];
        assert_head(&head, 400, true);
    }
}

static void other_methods_end_the_connection_only_with_a_body(void **state)
{
    (void)state;
    struct request_head head = get("a");
    head.method = "HEAD";
    assert_head(&head, 0, false);
    head.method = "POST";
    assert_head(&head, 405, false);
    request_head_note(&head, "Content-Length", "3");
    assert_head(&head, 405, true);
}

static void a_head_has_its_limit_and_an_address_its_own(void **state)
{
    (void)state;
    static char target[TARGET_BYTES_MAX + 2];
    struct request_head head = get("a");
    head.bytes = HEAD_BYTES_MAX;
    assert_head(&head, 0, false);
    head.bytes++;
    assert_head(&head, 431, true);
    memset(target, 'a', sizeof target - 1);
    head.target = target;
    assert_head(&head, 0, false); /* the route says that it is too long */
}

static void the_lines_of_a_list_are_one_list_and_of_others_the_first_counts(void **state)
{
    (void)state;
    struct request_head head = get("a");
    request_head_note(&head, "Accept", "image/png");
    request_head_note(&head, "ACCEPT", "text/csv;q=0.5");
    request_head_note(&head, "accept", "application/json");
    request_head_note(&head, "If-None-Match", "\"a\"");
    request_head_note(&head, "If-None-Match", "W/\"b\"");
    request_head_note(&head, "Accept-Encoding", "br");
    request_head_note(&head, "Accept-Encoding", "gzip");
    request_head_note(&head, "X-Request-Id", "a");
    request_head_note(&head, "X-Request-Id", "b");
    assert_string_equal(head.accept, "image/png, text/csv;q=0.5, application/json");
    assert_string_equal(head.if_none_match, "\"a\", W/\"b\"");
    assert_string_equal(head.accept_encoding, "br, gzip");
    assert_string_equal(head.request_id, "a");
    request_head_clean_up(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_a_name_or_an_address_and_may_have_a_port),
        cmocka_unit_test(a_host_is_needed_once_but_for_the_oldest_version),
        cmocka_unit_test(a_length_is_a_number_and_of_nothing),
        cmocka_unit_test(a_header_that_others_may_read_otherwise_is_refused),
        cmocka_unit_test(an_address_is_one_word),
        cmocka_unit_test(other_methods_end_the_connection_only_with_a_body),
        cmocka_unit_test(a_head_has_its_limit_and_an_address_its_own),
        cmocka_unit_test(the_lines_of_a_list_are_one_list_and_of_others_the_first_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
