/* SPDX-License-Identifier: Apache-2.0
 * What is kept of answers is given to the same question in the same state, and to no other. */
#include "serving_fixture.h"

static struct bench bench;

/* What is answered to the head, and its status. */
struct answered {
    unsigned status;
    bool is_compressed;
    char body[4000];
};

static struct answered ask(const struct request_head *head)
{
    struct answered answered;
    struct reply reply = {0};
    const char *name;
    route(&bench.serving, head, &reply, &name);
    answered.status = reply.status;
    answered.is_compressed = reply.is_compressed;
    snprintf(answered.body, sizeof answered.body, "%s", buffer_string(&reply.body));
    reply_clean_up(&reply);
    return answered;
}

/* Puts a mark where the body of the kept answer is, so that what comes from there can be told. */
static void mark_answer(const struct request_head *head)
{
    struct answer answer = {.state = bench.snapshot->state};
    struct reply reply, marked = {.status = 200};
    assert_true(answer_cache_find(bench.serving.answers, answer.state, head, &reply, &answer.tag, &answer.rows));
    marked.is_compressed = reply.is_compressed;
    buffer_append_string(&marked.body, "kept");
    answer_cache_keep(bench.serving.answers, head, &answer, &marked);
    reply_clean_up(&marked);
    reply_clean_up(&reply);
}

static void mark(const char *target, const char *accept)
{
    mark_answer(&(struct request_head){.target = target, .accept = accept});
}

static void assert_is_kept(const struct request_head *head, bool expected)
{
    const struct answered answered = ask(head);
    assert_int_equal(answered.status, 200);
    if ((strcmp(answered.body, "kept") == 0) != expected)
        fail_msg("%s (%s): %s", head->target, head->accept ? head->accept : "", answered.body);
}

static void the_same_question_is_answered_from_what_is_kept(void **state)
{
    (void)state;
    const struct request_head json = {.target = "/v1/views/daily"},
                              csv = {.target = "/v1/views/daily", .accept = "text/csv"};
    const struct answered first = ask(&json);
    assert_string_equal(ask(&json).body, first.body);
    mark(json.target, NULL);
    assert_is_kept(&json, true);
    assert_is_kept(&(struct request_head){.target = json.target, .accept = "*/*"}, true);
    assert_is_kept(&csv, false);
    assert_is_kept(&(struct request_head){.target = "/v1/views/daily?limit=1"}, false);
}

static void who_takes_gzip_is_given_what_was_compressed_once(void **state)
{
    (void)state;
    static const char *const formats[] = {"application/json", "text/csv", "application/x-ndjson"};
    for (int64_t day = 2; day < 60; day++)
        fake_add(0, DAILY, DAY_S + 86400 * day, text_of(""), 1, 100);
    fake.slots[0].slot.next++;
    bench_follow(&bench);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const struct request_head plain = {.target = "/v1/views/daily", .accept = formats[i]},
                                  other = {.target = "/v1/views/daily", .accept = formats[i], .accept_encoding = "br"},
                                  gzip = {.target = "/v1/views/daily", .accept = formats[i], .accept_encoding = "gzip"};
        const struct answered first = ask(&gzip), second = ask(&gzip);
        assert_int_equal(strncmp(first.body, "\x1f\x8b", 2), 0);
        assert_string_equal(second.body, first.body);
        mark_answer(&gzip);
        assert_is_kept(&gzip, true);
        assert_true(first.is_compressed && second.is_compressed && ask(&gzip).is_compressed);
        assert_is_kept(&plain, false);
        assert_false(ask(&plain).is_compressed || ask(&other).is_compressed);
        mark_answer(&plain);
        assert_is_kept(&other, true);
    }
}

static void a_small_answer_stays_as_it_is_for_who_takes_gzip(void **state)
{
    (void)state;
    const struct request_head gzip = {.target = "/v1/views/daily?limit=1", .accept_encoding = "gzip"};
    const struct answered first = ask(&gzip);
    assert_false(first.is_compressed);
    assert_int_equal(first.body[0], '{');
    mark_answer(&gzip);
    assert_is_kept(&gzip, true);
}

static void another_state_is_answered_anew(void **state)
{
    (void)state;
    const struct request_head head = {.target = "/v1/views/daily"};
    (void)ask(&head);
    mark(head.target, NULL);
    fake_add(0, DAILY, DAY_S, text_of(""), 1, 100);
    fake.slots[0].slot.next++;
    assert_is_kept(&head, true); /* nobody has read it yet */
    bench_follow(&bench);
    assert_is_kept(&head, false);
}

static void who_has_a_kept_answer_is_told_so(void **state)
{
    (void)state;
    struct reply reply = {0};
    const char *name;
    char tag[ENTITY_TAG_SIZE];
    route(&bench.serving, &(struct request_head){.target = "/v1/views/daily"}, &reply, &name);
    assert_string_equal(reply.headers[0].name, "ETag");
    snprintf(tag, sizeof tag, "%s", buffer_string(&reply.headers[0].value));
    reply_clean_up(&reply);
    mark("/v1/views/daily", NULL);
    const struct answered again = ask(&(struct request_head){.target = "/v1/views/daily", .if_none_match = tag});
    assert_int_equal(again.status, 304);
    assert_string_equal(again.body, "");
}

static bool is_found(const char *target)
{
    struct reply reply;
    struct entity_tag tag;
    size_t rows;
    bool found = answer_cache_find(bench.serving.answers, bench.snapshot->state,
                                   &(struct request_head){.target = target}, &reply, &tag, &rows);
    if (found)
        reply_clean_up(&reply);
    return found;
}

/* Keeps a reply of so many bytes. */
static void keep(const char *target, unsigned status, size_t bytes)
{
    const struct answer answer = {.state = bench.snapshot->state};
    struct reply reply = {.status = status};
    buffer_append_string(reply_header(&reply, "ETag"), "tag");
    for (size_t i = strlen("tag"); i < bytes; i++)
        buffer_append_char(&reply.body, 'x');
    answer_cache_keep(bench.serving.answers, &(struct request_head){.target = target}, &answer, &reply);
    reply_clean_up(&reply);
}

static void what_is_large_is_not_kept(void **state)
{
    (void)state;
    char target[QUESTION_KEPT_MAX + 2];
    memset(target, 'x', sizeof target - 1);
    target[sizeof target - 1] = '\0';
    keep(target, 200, 10);
    assert_false(is_found(target));
    keep("/small", 200, ANSWER_KEPT_MAX + 1);
    assert_false(is_found("/small"));
    keep("/small", 304, 10);
    assert_false(is_found("/small"));
    keep("/small", 200, ANSWER_KEPT_MAX);
    assert_true(is_found("/small"));
}

static void what_was_given_stays_while_another_is_kept(void **state)
{
    (void)state;
    struct reply first;
    struct entity_tag tag;
    size_t rows;
    const struct request_head head = {.target = "/v1/views/daily"};
    const struct answered before = ask(&head);
    assert_true(answer_cache_find(bench.serving.answers, bench.snapshot->state, &head, &first, &tag, &rows));
    assert_int_equal(rows, 2);
    mark_answer(&head);
    buffer_append_string(reply_header(&first, "More"), "of its own");
    assert_string_equal(buffer_string(&first.body), before.body);
    assert_string_equal(buffer_string(&first.headers[0].value), tag.text);
    reply_clean_up(&first);
    assert_is_kept(&head, true);
}

static int start(void **state)
{
    if (make_views(state))
        return -1;
    bench_start(&bench, 1 << 20);
    fake.epoch = 1;
    fake.named = 2;
    add_cell(&fake.rows[DAILY], DAY_S, text_of(""), 1, 100);
    add_cell(&fake.rows[DAILY], DAY_S + 86400, text_of(""), 1, 100);
    for (int i = 0; i < PARTITIONS; i++)
        fake_begin(i, 2, 0);
    bench_follow(&bench);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    bench_stop(&bench);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_question_is_answered_from_what_is_kept, start, stop),
        cmocka_unit_test_setup_teardown(who_takes_gzip_is_given_what_was_compressed_once, start, stop),
        cmocka_unit_test_setup_teardown(a_small_answer_stays_as_it_is_for_who_takes_gzip, start, stop),
        cmocka_unit_test_setup_teardown(another_state_is_answered_anew, start, stop),
        cmocka_unit_test_setup_teardown(who_has_a_kept_answer_is_told_so, start, stop),
        cmocka_unit_test_setup_teardown(what_is_large_is_not_kept, start, stop),
        cmocka_unit_test_setup_teardown(what_was_given_stays_while_another_is_kept, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
