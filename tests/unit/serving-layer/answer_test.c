/* SPDX-License-Identifier: Apache-2.0 */
#include "serving_fixture.h"

static const struct text no_group = {"", 0};

/* Two days published at epoch 1 with the cut 10, 20; day 2 is corrected and day 3 is new in real time. */
static int start(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    *state = bench;
    make_views(NULL);
    bench_start(bench, 1 << 30);
    fake.epoch = 1;
    fake.named = PARTITIONS;
    fake.cut[0] = 10;
    fake.cut[1] = 20;
    fake.published_at_us = (DAY_S + 2 * SECONDS_PER_DAY + 3661) * US_PER_SECOND;
    fake.opened_at_us = (DAY_S + 2 * SECONDS_PER_DAY) * US_PER_SECOND;
    add_cell(&fake.rows[DAILY], DAY_S, no_group, 3, 1005);
    add_cell(&fake.rows[DAILY], DAY_S + SECONDS_PER_DAY, no_group, 2, 5000);
    fake_begin(0, 2, 10);
    fake_begin(1, 2, 20);
    fake_add(0, DAILY, DAY_S + SECONDS_PER_DAY, no_group, -1, -4999);
    fake_add(1, DAILY, DAY_S + 2 * SECONDS_PER_DAY, no_group, 1, 200);
    fake.slots[0].slot.next = 12;
    fake.slots[0].slot.end = 15;
    fake.slots[1].slot.next = fake.slots[1].slot.end = 21;
    struct buffer group = {0};
    add_cell(&fake.rows[GROUPED], DAY_S, group_of("b", 10, &group), 1, 100);
    add_cell(&fake.rows[GROUPED], DAY_S, group_of("b", 9, &group), 1, 100);
    add_cell(&fake.rows[GROUPED], DAY_S, group_of("", 1, &group), 1, 100);
    add_cell(&fake.rows[GROUPED], DAY_S, group_of("say \"a, b\"", 1, &group), 1, 100);
    fake_add(0, GROUPED, DAY_S, group_of(NULL, 1, &group), 1, 100);
    add_cell(&fake.rows[GROUPED], DAY_S + 3600, group_of("b", -1, &group), 1, -100);
    buffer_clean_up(&group);
    /* Of a day 7.00 twice, 1.00 and 9.00, of the next 7.00 and 9.00; real time takes back 9.00 and one of 7.00, and
     * adds 1.00. */
    struct panes *rows = fake.rows, *live = fake.slots[0].panes[0];
    add_spread(&rows[SPREAD], &rows[SPREAD_MEMBERS], DAY_S, 2, 700);
    add_spread(&rows[SPREAD], &rows[SPREAD_MEMBERS], DAY_S, 1, 100);
    add_spread(&rows[SPREAD], &rows[SPREAD_MEMBERS], DAY_S, 1, 900);
    add_spread(&rows[SPREAD], &rows[SPREAD_MEMBERS], DAY_S + SECONDS_PER_DAY, 1, 700);
    add_spread(&rows[SPREAD], &rows[SPREAD_MEMBERS], DAY_S + SECONDS_PER_DAY, 1, 900);
    add_spread(&live[SPREAD], &live[SPREAD_MEMBERS], DAY_S, -1, 900);
    add_spread(&live[SPREAD], &live[SPREAD_MEMBERS], DAY_S, -1, 700);
    add_spread(&live[SPREAD], &live[SPREAD_MEMBERS], DAY_S, 2, 100);
    bench_follow(bench);
    return 0;
}

static int stop(void **state)
{
    bench_stop(*state);
    free(*state);
    return 0;
}

#define PROVENANCE                                                                                                     \
    "{\"complete\": true, \"missing\": [], \"batch\": {\"epoch\": 1, \"published_at\": \"2026-01-03T01:01:01.000Z\", " \
    "\"cut\": {\"0\": 10, \"1\": 20}}, \"speed\": {\"offsets\": {\"0\": 12, \"1\": 21}, \"lag\": 3}, \"deferred\": 0}"

static void batch_and_real_time_are_added_up_with_their_provenance(void **state)
{
    assert_answer(*state, "/v1/views/daily",
                  "{\"view\": \"daily\", \"rows\": ["
                  "{\"window_start\": \"2026-01-01T00:00:00+00:00\", \"window_end\": \"2026-01-02T00:00:00+00:00\", "
                  "\"order_count\": 3, \"total\": 10.05, \"average\": 3.35, \"final\": true},\n"
                  "{\"window_start\": \"2026-01-02T00:00:00+00:00\", \"window_end\": \"2026-01-03T00:00:00+00:00\", "
                  "\"order_count\": 1, \"total\": 0.01, \"average\": 0.01, \"final\": false},\n"
                  "{\"window_start\": \"2026-01-03T00:00:00+00:00\", \"window_end\": \"2026-01-04T00:00:00+00:00\", "
                  "\"order_count\": 1, \"total\": 2.00, \"average\": 2.00, \"final\": false}"
                  "], \"next\": null, \"provenance\": " PROVENANCE "}\n");
}

static void read_pages(struct bench *bench, const char *question, int expected_pages)
{
    char all[4000] = "", target[300];
    int pages = 0;
    snprintf(target, sizeof target, "%s&limit=2", question);
    for (bool more = true; more; pages++) {
        struct reply reply = {0};
        const char *name;
        route(&bench->serving, &(struct request_head){.target = target}, &reply, &name);
        assert_int_equal(reply.status, 200);
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s", buffer_string(&reply.body));
        more = reply.header_count == 3;
        if (more)
            snprintf(target, sizeof target, "%s&limit=2&cursor=%s", question, buffer_string(&reply.headers[2].value));
        reply_clean_up(&reply);
    }
    assert_int_equal(pages, expected_pages);
    assert_answer(bench, question, all);
}

static void measures_of_members_are_of_the_values_that_both_parts_leave(void **state)
{
    assert_answer(*state, "/v1/views/spread?format=csv",
                  "window_start,window_end,order_count,amounts,least,most,final\r\n"
                  "2026-01-01T00:00:00+00:00,2026-01-02T00:00:00+00:00,4,2,1.00,7.00,false\r\n"
                  "2026-01-02T00:00:00+00:00,2026-01-03T00:00:00+00:00,2,2,7.00,9.00,true\r\n");
    assert_answer(*state, "/v1/views/spread?format=csv&order=-amounts,most&per_window=1",
                  "window_start,window_end,order_count,amounts,least,most,final\r\n"
                  "2026-01-01T00:00:00+00:00,2026-01-02T00:00:00+00:00,4,2,1.00,7.00,false\r\n"
                  "2026-01-02T00:00:00+00:00,2026-01-03T00:00:00+00:00,2,2,7.00,9.00,true\r\n");
    assert_answer(*state, "/v1/views/spread?format=csv&window=1+month",
                  "window_start,window_end,order_count,amounts,least,most,final\r\n"
                  "2026-01-01T00:00:00+00:00,2026-02-01T00:00:00+00:00,6,3,1.00,9.00,false\r\n");
    read_pages(*state, "/v1/views/spread?format=ndjson&order=-most&window=hopping+2+days+every+1+day", 2);
    assert_says(*state, "/v1/views", "{\"name\": \"least\", \"kind\": \"min\", \"field\": \"amount\"}");
    assert_problem(*state, "/v1/views/spread:amount", 404, "there is no view spread:amount");
    for (size_t i = 0; i < 3; i++) {
        static const char *const routes[] = {"/v1/views", "/v1/status", "/v1/ledger"};
        unsigned status;
        assert_null(strstr(bench_get(*state, routes[i], &status), "spread:amount"));
        assert_int_equal(status, 200);
    }
}

static void members_that_memory_gave_up_are_not_passed_over(void **state)
{
    struct bench *bench = *state;
    view_rows_raise_floor(&bench->snapshot->views[SPREAD_MEMBERS].rows, (DAY_S + SECONDS_PER_DAY) * US_PER_SECOND);
    assert_problem(bench, "/v1/views/spread", 422, "windows before 2026-01-02T00:00:00+00:00 are not held");
    assert_problem(bench, "/v1/views/spread?window=1+month", 422, "windows before");
    assert_says(bench, "/v1/views/spread?from=2026-01-02", "\"amounts\": 2, \"least\": 7.00");
    assert_says(bench, "/v1/views/daily", "\"order_count\": 3");
}

static int count_lines(struct bench *bench, const char *target)
{
    unsigned status;
    int lines = 0;
    for (const char *line = bench_get(bench, target, &status); *line; line = strchr(line, '\n') + 1)
        lines++;
    assert_int_equal(status, 200);
    return lines;
}

static void csv_tells_null_from_empty_text_and_quotes(void **state)
{
    assert_answer(*state, "/v1/views/grouped?format=csv&to=2026-01-01T01:00:00Z",
                  "window_start,window_end,category,quantity,order_count,total,average,final\r\n"
                  "2026-01-01T00:00:00+00:00,2026-01-01T01:00:00+00:00,,1,1,1.00,1.00,false\r\n"
                  "2026-01-01T00:00:00+00:00,2026-01-01T01:00:00+00:00,\"\",1,1,1.00,1.00,true\r\n"
                  "2026-01-01T00:00:00+00:00,2026-01-01T01:00:00+00:00,b,9,1,1.00,1.00,true\r\n"
                  "2026-01-01T00:00:00+00:00,2026-01-01T01:00:00+00:00,b,10,1,1.00,1.00,true\r\n"
                  "2026-01-01T00:00:00+00:00,2026-01-01T01:00:00+00:00,\"say \"\"a, b\"\"\",1,1,1.00,1.00,true\r\n");
}

static void csv_carries_its_provenance_in_a_header(void **state)
{
    struct bench *bench = *state;
    struct reply reply = {0};
    const char *name;
    route(&bench->serving, &(struct request_head){.target = "/v1/views/grouped?format=csv&limit=1"}, &reply, &name);
    assert_string_equal(name, "/v1/views/{view}");
    assert_int_equal(reply.header_count, 3);
    assert_string_equal(reply.headers[1].name, "Tidemark-Provenance");
    assert_string_equal(buffer_string(&reply.headers[1].value), PROVENANCE);
    assert_string_equal(reply.headers[2].name, "Tidemark-Next");
    reply_clean_up(&reply);
}

#define TAG_SIZE 64

/* Asks with this If-None-Match (NULL: none), expects this status and Cache-Control, and gives the tag that came. */
static const char *ask_for_tag(struct bench *bench, const char *target, const char *if_none_match, unsigned status,
                               const char *cache_control, char tag[TAG_SIZE])
{
    struct reply reply = {0};
    const char *name;
    route(&bench->serving, &(struct request_head){.target = target, .if_none_match = if_none_match}, &reply, &name);
    if (reply.status != status || strcmp(reply.cache_control, cache_control) != 0)
        fail_msg("%s: %u, %s", target, reply.status, reply.cache_control);
    assert_string_equal(reply.headers[0].name, "ETag");
    snprintf(tag, TAG_SIZE, "%s", buffer_string(&reply.headers[0].value));
    assert_true(status == 200 || (reply.body.length == 0 && !reply.content_type));
    reply_clean_up(&reply);
    return tag;
}

static void a_tag_is_of_the_state_and_the_question_and_not_of_the_lag(void **state)
{
    struct bench *bench = *state;
    char first[TAG_SIZE], again[TAG_SIZE];
    ask_for_tag(bench, "/v1/views/daily", NULL, 200, "no-cache", first);
    assert_memory_equal(first, "W/\"", 3);
    fake.slots[0].slot.end++;
    bench_follow(bench);
    assert_says(bench, "/v1/views/daily", "\"lag\": 4");
    assert_string_equal(ask_for_tag(bench, "/v1/views/daily", first, 304, "no-cache", again), first);
    ask_for_tag(bench, "/v1/views/daily?limit=2", first, 200, "no-cache", again);
    assert_string_not_equal(again, first);
    fake_add(0, DAILY, DAY_S, no_group, 1, 100);
    fake.slots[0].slot.next++;
    bench_follow(bench);
    ask_for_tag(bench, "/v1/views/daily", first, 200, "no-cache", again);
    assert_string_not_equal(again, first);
}

static void only_what_is_final_and_complete_may_be_kept_for_a_minute(void **state)
{
    struct bench *bench = *state;
    char tag[TAG_SIZE];
    ask_for_tag(bench, "/v1/views/daily?to=2026-01-02", NULL, 200, "max-age=60", tag);
    ask_for_tag(bench, "/v1/views/daily?to=2026-01-02", tag, 304, "max-age=60", tag);
    ask_for_tag(bench, "/v1/views/daily?to=2026-01-03", NULL, 200, "no-cache", tag);   /* a row has a live part */
    ask_for_tag(bench, "/v1/views/daily?from=2026-01-04", NULL, 200, "no-cache", tag); /* rows may come */
    ask_for_tag(bench, "/v1/views/grouped?limit=1&to=2026-01-02", NULL, 200, "no-cache", tag); /* more than a page */
    fake.slots[0].slot.incarnation[0]++;
    fake.slots[0].slot.epochs[0].offset++; /* it begins elsewhere than at the cut */
    bench_follow(bench);
    assert_says(bench, "/v1/views/daily", "\"complete\": false");
    ask_for_tag(bench, "/v1/views/daily?to=2026-01-02", tag, 200, "no-cache", tag);
}

static void accept_chooses_the_format_where_nothing_else_does(void **state)
{
    static const struct {
        const char *accept, *target, *type;
        unsigned status;
    } cases[] = {
        {"*/*", "", "application/json", 200},
        {"text/html, application/xml;q=0.9, */*;q=0.8", "", "application/json", 200},
        {"text/csv", "", "text/csv; charset=utf-8; header=present", 200},
        {"text/*", "", "text/csv; charset=utf-8; header=present", 200},
        {"application/json;q=0.5, application/x-ndjson", "", "application/x-ndjson", 200},
        {"text/csv", "?format=ndjson", "application/x-ndjson", 200},
        {"text/html", "?format=json", "application/json", 200},
        {"text/html", "", "application/problem+json", 406},
        {"application/json;q=0", "", "application/problem+json", 406},
    };
    struct bench *bench = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply reply = {0};
        const char *name;
        char target[64];
        snprintf(target, sizeof target, "/v1/views/daily%s", cases[i].target);
        route(&bench->serving, &(struct request_head){.target = target, .accept = cases[i].accept}, &reply, &name);
        if (reply.status != cases[i].status || strcmp(reply.content_type, cases[i].type) != 0)
            fail_msg("%s: %u, %s", cases[i].accept, reply.status, reply.content_type);
        reply_clean_up(&reply);
    }
}

static void ndjson_is_a_row_a_line(void **state)
{
    assert_answer(*state, "/v1/views/grouped?format=ndjson&category=b&quantity=10",
                  "{\"window_start\": \"2026-01-01T00:00:00+00:00\", \"window_end\": \"2026-01-01T01:00:00+00:00\", "
                  "\"category\": \"b\", \"quantity\": 10, \"order_count\": 1, \"total\": 1.00, \"average\": 1.00, "
                  "\"final\": true}\n");
}

static void filters_ask_for_a_value_for_empty_text_or_for_null(void **state)
{
    static const struct {
        const char *filter;
        int rows;
        const char *word;
    } cases[] = {
        {"category=b", 3, ",b,9,"},         {"category=", 1, ",\"\",1,"},
        {"category.null", 1, "+00:00,,1,"}, {"category=say+%22a%2c%20b%22", 1, "say"},
        {"quantity=-1", 1, ",b,-1,"},       {"category=b&quantity=1", 0, "final"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[100];
        snprintf(target, sizeof target, "/v1/views/grouped?format=csv&%s", cases[i].filter);
        assert_says(*state, target, cases[i].word);
        if (count_lines(*state, target) != cases[i].rows + 1)
            fail_msg("%s: %d lines", cases[i].filter, count_lines(*state, target));
    }
}

static void pages_follow_each_other_without_gap_or_repeat(void **state)
{
    read_pages(*state, "/v1/views/grouped?format=ndjson", 3);
    read_pages(*state, "/v1/views/grouped?format=ndjson&order=-total,quantity", 3);
    read_pages(*state, "/v1/views/grouped?format=ndjson&group_by=category&order=average", 3);
    read_pages(*state, "/v1/views/grouped?format=ndjson&window=hopping+3+hours+every+1+hour&group_by=", 2);
}

#define DAY "2026-01-01T00:00:00+00:00,2026-01-02T00:00:00+00:00,"

static void longer_windows_and_fewer_dimensions_are_merged(void **state)
{
    assert_answer(*state, "/v1/views/grouped?format=csv&window=1+day&group_by=category",
                  "window_start,window_end,category,order_count,total,average,final\r\n" DAY
                  ",1,1.00,1.00,false\r\n" DAY "\"\",1,1.00,1.00,true\r\n" DAY "b,3,1.00,0.33,true\r\n" DAY
                  "\"say \"\"a, b\"\"\",1,1.00,1.00,true\r\n");
    assert_answer(*state, "/v1/views/grouped?format=csv&window=tumbling_1_month&group_by=&category=b",
                  "window_start,window_end,order_count,total,average,final\r\n"
                  "2026-01-01T00:00:00+00:00,2026-02-01T00:00:00+00:00,3,1.00,0.33,false\r\n");
    assert_answer(*state, "/v1/views/grouped?format=csv&window=1+day&from=2026-01-01T01:00:00Z",
                  "window_start,window_end,category,quantity,order_count,total,average,final\r\n");
}

static void rows_come_in_the_order_asked_for_and_only_the_first_of_each_window(void **state)
{
    assert_answer(*state, "/v1/views/grouped?format=csv&window=1+day&group_by=category&order=-order_count&per_window=2",
                  "window_start,window_end,category,order_count,total,average,final\r\n" DAY
                  "b,3,1.00,0.33,true\r\n" DAY ",1,1.00,1.00,false\r\n");
    assert_answer(*state, "/v1/views/daily?format=csv&order=-average",
                  "window_start,window_end,order_count,total,average,final\r\n" DAY "3,10.05,3.35,true\r\n"
                  "2026-01-03T00:00:00+00:00,2026-01-04T00:00:00+00:00,1,2.00,2.00,false\r\n"
                  "2026-01-02T00:00:00+00:00,2026-01-03T00:00:00+00:00,1,0.01,0.01,false\r\n");
}

static void a_group_without_a_counted_version_is_no_row(void **state)
{
    fake_add(1, DAILY, DAY_S + 2 * SECONDS_PER_DAY, no_group, -1, -100);
    bench_follow(*state);
    assert_answer(*state, "/v1/views/daily?from=2026-01-03&format=csv",
                  "window_start,window_end,order_count,total,average,final\r\n");
}

static void ranges_are_half_open_and_by_the_day_of_the_zone(void **state)
{
    static const struct {
        const char *range;
        int rows;
    } cases[] = {
        {"from=2026-01-02", 2},
        {"from=2026-01-02&to=2026-01-03", 1},
        {"from=2026-01-02T00:00:00.000001Z", 1},
        {"to=2026-01-01T00:00:00.000001Z", 1},
        {"to=2026-01-01", 0},
        {"from=2026-01-02T01:00:00%2B01:00&to=2026-01-03T00:00:00 00:00", 1},
        {"from=2026-01-02&to=2026-01-02", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[120];
        snprintf(target, sizeof target, "/v1/views/daily?format=ndjson&%s", cases[i].range);
        if (count_lines(*state, target) != cases[i].rows)
            fail_msg("%s: %d rows", cases[i].range, count_lines(*state, target));
    }
}

static void any_time_of_the_calendar_may_be_asked_for(void **state)
{
    static const struct {
        const char *range;
        int rows;
    } cases[] = {
        {"from=1970-01-01T00:00:00Z", 3},
        {"from=1999-12-31T23:59:59Z&to=2100-01-01T00:00:00Z", 3},
        {"from=1969-12-31&to=2200-01-01", 3},
        {"from=0000-01-01&to=9999-12-31", 3},
        {"from=0000-01-01T00:00:00%2B23:59&to=9999-12-31T23:59:59.999-23:59", 3},
        {"from=2100-01-01", 0},
        {"to=2000-01-01", 0},
        {"from=9999-12-31T23:59:59Z", 0},
        {"from=2025-12-31T23:59:60Z&to=2026-01-01T00:00:00.0000000000001Z", 1},
        {"from=2026-01-01 00:00:00.00000000000000000000000000000000000000000000000000000000000000000Z", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[200];
        snprintf(target, sizeof target, "/v1/views/daily?format=ndjson&%s", cases[i].range);
        if (count_lines(*state, target) != cases[i].rows)
            fail_msg("%s: %d rows", cases[i].range, count_lines(*state, target));
    }
}

static void a_range_before_all_time_is_expired_in_four_digits(void **state)
{
    struct bench *bench = *state;
    fake.clock_us[0] = (DAY_S + 86400) * US_PER_SECOND;
    fake.epoch++;
    bench_follow(bench);
    assert_says(bench, "/v1/views/recent?from=0000-01-01T00:00:00%2B23:59", "\"reason\": \"expired\", \"from\": \"0");
}

static void what_is_not_understood_is_refused_with_a_word_of_help(void **state)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *word;
    } cases[] = {
        {"/v1/views/dayly", 404, "did you mean daily?"},
        {"/v1/view", 404, "/v1/views"},
        {"/v1/views/daily?form=2026-01-01", 400, "did you mean from?"},
        {"/v1/views/daily?limit=1&limit=2", 400, "given twice"},
        {"/v1/views/daily?limit=0", 400, "limit must be"},
        {"/v1/views/daily?limit=100001", 400, "limit must be"},
        {"/v1/views/daily?limit=1e3", 400, "limit must be"},
        {"/v1/views/daily?format=xml", 400, "json, csv or ndjson"},
        {"/v1/views/daily?from=2026-02-30", 400, "from must be"},
        {"/v1/views/daily?to=2100-02-29", 400, "to must be"},
        {"/v1/views/daily?from=10000-01-01", 400, "from must be"},
        {"/v1/views/daily?from=9999-12-31&to=9999-12-30", 400, "after"},
        {"/v1/views/daily?from=0000-01-02&to=0000-01-01", 400, "after"},
        {"/v1/views/daily?from=2026-01-01T00:00:00", 400, "offset"},
        {"/v1/views/daily?from=", 400, "from must be"},
        {"/v1/views/daily?from=2026-01-02&to=2026-01-01", 400, "after"},
        {"/v1/views/daily?cursor=x", 400, "cursor"},
        {"/v1/views/daily?cursor=r1.0.2b", 400, "cursor"},
        {"/v1/views/grouped?cursor=r1.0.2d", 400, "cursor"},
        {"/v1/views/grouped?cursor=r1.0.2d2", 400, "cursor"},
        {"/v1/views/grouped?quantity=many", 400, "integer"},
        {"/v1/views/grouped?category=a&category.null", 400, "null"},
        {"/v1/views/grouped?category.null=no", 400, "no value"},
        {"/v1/views/daily?group_by=category", 400, "no dimension of this view"},
        {"/v1/views/grouped?group_by=categry", 400, "did you mean \\\"category\\\"?"},
        {"/v1/views/daily?window=1+hour", 400, "possible are"},
        {"/v1/views/daily?window=fortnight", 400, "1 week"},
        {"/v1/views/daily?order=totl", 400, "did you mean \\\"total\\\"?"},
        {"/v1/views/daily?order=-revenue", 400, "possible are window_start, order_count, total, average"},
        {"/v1/views/grouped?group_by=category&order=quantity", 400, "order"},
        {"/v1/views/daily?per_window=0", 400, "per_window must be"},
        {"/v1/views/daily?time_zone=UTC", 400, "the view's own"},
        {"/v1/views/grouped?order=total&cursor=r1.0.2d", 400, "same question"},
        {"/v1/views/grouped?order=total&cursor=q1.0.1.1.100.2d", 400, "same question"},
        {"/v1/views/grouped?order=total&cursor=q1.0.1.-1.100.2d2d", 400, "same question"},
        {"/v1/views/grouped?order=total&cursor=q1.0.1.1.1267650600228229401496703205376.2d2d", 400, "same question"},
        {"/v1/views/daily?from=%00", 400, "%00"},
        {"/v1/views/daily?from=%2", 400, "hexadecimal"},
        {"/v1/views/daily?from=%zz", 400, "hexadecimal"},
        {"/v1/views/%ff", 400, "UTF-8"},
        {"/v1/views/grouped?category=%c0%af", 400, "UTF-8"},
        {"/v1/views/grouped?category=%ed%a0%80", 400, "UTF-8"},
        {"/v1/status?verbose=1", 400, "none is taken"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_problem(*state, cases[i].target, cases[i].status, cases[i].word);
}

static void an_address_that_is_too_long_is_refused(void **state)
{
    char target[TARGET_BYTES_MAX + 2];
    memset(target, 'a', sizeof target);
    target[0] = '/';
    target[sizeof target - 1] = '\0';
    assert_problem(*state, target, 414, "8192");
    target[sizeof target - 2] = '\0';
    assert_problem(*state, target, 404, "nothing");
}

/* Partition 0 consumed one message more than it accounts for, partition 1 one less: the total adds up. */
static void a_ledger_is_closed_where_that_of_each_partition_is(void **state)
{
    struct bench *bench = *state;
    assert_says(bench, "/v1/ledger", "\"bad\": 0, \"closed\": true, \"lost\": 0");
    assert_says(bench, "/metrics", "\ntidemark_ledger_closed{source=\"orders\"} 1\n");
    fake.fates[0] = (struct fates){.consumed = 11, .kept = 9, .bad = 1};
    fake.fates[1] = (struct fates){.consumed = 20, .kept = 21};
    fake.epoch++;
    bench_follow(bench);
    assert_says(bench, "/v1/ledger", "\"bad\": 1, \"closed\": false, \"lost\": 0");
    assert_says(bench, "/v1/ledger", "\"filtered\": 30, \"closed\": true}], \"partitions\"");
    assert_says(bench, "/v1/ledger",
                "\"0\": {\"consumed\": 11, \"kept\": 9, \"replaced\": 0, \"duplicate\": 0, "
                "\"deferred\": 0, \"bad\": 1, \"closed\": false}");
    assert_says(bench, "/v1/ledger", "\"bad\": 0, \"closed\": false}}");
    assert_says(bench, "/metrics", "\ntidemark_ledger_closed{source=\"orders\"} 0\n");
    fake.fates[1].consumed = 21;
    fake.fates[0].consumed = 10;
    fake.epoch++;
    bench_follow(bench);
    assert_says(bench, "/v1/ledger", "\"bad\": 1, \"closed\": true, \"lost\": 0");
    assert_says(bench, "/v1/ledger", "\"bad\": 0, \"closed\": true}}");
}

/* Each of them is answered. */
static void views_name_the_windows_that_can_be_asked_for(void **state)
{
    unsigned status;
    char target[200], views_listed[20000];
    snprintf(views_listed, sizeof views_listed, "%s", bench_get(*state, "/v1/views", &status));
    const char *daily = strstr(views_listed, "\"name\": \"daily\""), *grouped = strstr(views_listed, "\"grouped\"");
    assert_true(daily && grouped);
    assert_non_null(strstr(daily, "\"panes\": \"tumbling 1 day\", "));
    assert_non_null(strstr(daily,
                           "\"final\": \"published\", \"windows\": [\"1 day\", \"1 week\", \"1 month\", \"1 year\"], "
                           "\"hops\": [\"1 day\"]}"));
    assert_non_null(strstr(grouped,
                           "\"windows\": [\"1 hour\", \"2 hours\", \"3 hours\", \"4 hours\", \"6 hours\", \"8 hours\", "
                           "\"12 hours\", \"1 day\", \"1 week\", \"1 month\", \"1 year\"], \"hops\": [\"1 hour\""));
    const char *windows = strstr(strstr(views_listed, "\"recent\""), "\"windows\": [") + strlen("\"windows\": [");
    for (const char *at = windows; *at == '"'; at += strspn(at, "\", ")) {
        size_t length = strcspn(++at, "\"");
        snprintf(target, sizeof target, "/v1/views/recent?window=%.*s", (int)length, at);
        for (char *blank; (blank = strchr(target, ' '));)
            *blank = '_';
        assert_says(*state, target, "\"provenance\"");
        at += length;
    }
}

static void every_page_of_the_map_answers(void **state)
{
    assert_says(*state, "/", "<html");
    assert_says(*state, "/livez", "ok");
    assert_says(*state, "/readyz", "ok");
    assert_says(*state, "/openapi.json", "openapi");
    assert_says(*state, "/v1/views", "{\"name\": \"category\", \"type\": \"text\"}");
    assert_says(*state, "/v1/views/", "{\"name\": \"category\", \"type\": \"text\"}");
    assert_says(*state, "/v1/views/daily/?limit=1", "\"provenance\"");
    assert_problem(*state, "/v1/views//", 404, "");
    assert_problem(*state, "//", 404, "");
    assert_says(*state, "/v1/status", "\"partitions\": {\"0\": {\"first\": 0, \"cut\": 10, \"next\": 12");
    assert_says(*state, "/v1/ledger", "\"closed\": true");
    assert_says(*state, "/metrics", "tidemark_serving_view_complete{view=\"daily\"} 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batch_and_real_time_are_added_up_with_their_provenance, start, stop),
        cmocka_unit_test_setup_teardown(measures_of_members_are_of_the_values_that_both_parts_leave, start, stop),
        cmocka_unit_test_setup_teardown(members_that_memory_gave_up_are_not_passed_over, start, stop),
        cmocka_unit_test_setup_teardown(csv_tells_null_from_empty_text_and_quotes, start, stop),
        cmocka_unit_test_setup_teardown(csv_carries_its_provenance_in_a_header, start, stop),
        cmocka_unit_test_setup_teardown(a_tag_is_of_the_state_and_the_question_and_not_of_the_lag, start, stop),
        cmocka_unit_test_setup_teardown(only_what_is_final_and_complete_may_be_kept_for_a_minute, start, stop),
        cmocka_unit_test_setup_teardown(accept_chooses_the_format_where_nothing_else_does, start, stop),
        cmocka_unit_test_setup_teardown(ndjson_is_a_row_a_line, start, stop),
        cmocka_unit_test_setup_teardown(filters_ask_for_a_value_for_empty_text_or_for_null, start, stop),
        cmocka_unit_test_setup_teardown(longer_windows_and_fewer_dimensions_are_merged, start, stop),
        cmocka_unit_test_setup_teardown(rows_come_in_the_order_asked_for_and_only_the_first_of_each_window, start,
                                        stop),
        cmocka_unit_test_setup_teardown(pages_follow_each_other_without_gap_or_repeat, start, stop),
        cmocka_unit_test_setup_teardown(a_group_without_a_counted_version_is_no_row, start, stop),
        cmocka_unit_test_setup_teardown(ranges_are_half_open_and_by_the_day_of_the_zone, start, stop),
        cmocka_unit_test_setup_teardown(any_time_of_the_calendar_may_be_asked_for, start, stop),
        cmocka_unit_test_setup_teardown(a_range_before_all_time_is_expired_in_four_digits, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_understood_is_refused_with_a_word_of_help, start, stop),
        cmocka_unit_test_setup_teardown(an_address_that_is_too_long_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(a_ledger_is_closed_where_that_of_each_partition_is, start, stop),
        cmocka_unit_test_setup_teardown(views_name_the_windows_that_can_be_asked_for, start, stop),
        cmocka_unit_test_setup_teardown(every_page_of_the_map_answers, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
