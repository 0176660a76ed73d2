/* SPDX-License-Identifier: Apache-2.0
 * Replies to a read as they come over the wire, also such as somebody's hand in Redis could bring about. */
#include "cmocka_test.h"

#include "redis/read_decode.h"
#include "redis/reply_limit.h"

static const struct field fields[] = {{"category", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = 2, .key = FIELD_NONE, .event_time = "t"};
static const struct view views[] = {
    {.name = "v", .schema = &schema, .window = {60}, .dimensions = {0}, .dimension_count = 1}};
static const struct source source = {.name = "s", .views = views, .view_count = 1, .fingerprint = "f"};

#define META                                                                                                           \
    "format 2 incarnation 0123456789abcdef0123456789abcdef cluster c definition f defined 1 epoch 3 partitions 1 "     \
    "first 0 lost 0 next 7 floor 0 floor_time 1 clock 1 tail 6 tail_time 1 end 7 sequence 1 "                          \
    "tail_hash 0000000000000001 start:3 0 consumed:3 3 gaps 1-2"

static void append_bulk(struct buffer *out, const char *word, size_t length)
{
    buffer_appendf(out, "$%zu\r\n%.*s\r\n", length, (int)length, word);
}

/* The words between the blanks as a list. */
static void append_list(struct buffer *out, const char *words)
{
    size_t count = 1;
    for (const char *at = words; *at; at++)
        count += *at == ' ';
    buffer_appendf(out, "*%zu\r\n", count);
    for (; *words; words += strcspn(words, " "), words += *words == ' ')
        append_bulk(out, words, strcspn(words, " "));
}

/* The answer to a read of a slot with these fields in the ledger and in the cells of a day. */
static bool read_all(const char *ledger, const char *cells, struct slot_reader *reader, struct error *error)
{
    struct buffer answer = {0};
    redisReader *protocol = redisReaderCreate();
    void *reply = NULL;
    bool again;
    buffer_append_string(&answer, "*3\r\n");
    append_list(&answer, META);
    buffer_append_string(&answer, "$3\r\nall\r\n*2\r\n*2\r\n$8\r\n3:ledger\r\n");
    append_list(&answer, ledger);
    buffer_append_string(&answer, "*2\r\n$11\r\n3:cells:v:0\r\n");
    append_list(&answer, cells);
    assert_int_equal(redisReaderFeed(protocol, answer.data, answer.length), REDIS_OK);
    assert_int_equal(redisReaderGetReply(protocol, &reply), REDIS_OK);
    slot_reader_init(reader, (struct slot_id){"s", 0}, &source);
    bool applied = read_apply(reader, reply, &again, error);
    freeReplyObject(reply);
    redisReaderFree(protocol);
    buffer_clean_up(&answer);
    return applied;
}

#define LEDGER "consumed 3 kept 3 counted:v 3 total:v#c 3"

static void cells_and_ledger_that_agree_are_taken(void **state)
{
    (void)state;
    struct slot_reader reader;
    struct error error = {0};
    assert_true(read_all(LEDGER, "0:-#c 1 60:+1:a#c 2", &reader, &error));
    assert_true(slot_reader_audit(&reader, &error));
    assert_int_equal(reader.slot.gaps.count, 1);
    slot_reader_clean_up(&reader);
}

static void assert_refused(const char *ledger, const char *cells, const char *words)
{
    struct slot_reader reader;
    struct error error = {0};
    assert_false(read_all(ledger, cells, &reader, &error));
    assert_int_equal(error.code, ERROR_DATA);
    assert_non_null(strstr(error.message, words));
    assert_int_equal(reader.epoch_count, 0);
    slot_reader_clean_up(&reader);
}

/* Else sums of a few such counts would overflow. */
static void a_count_that_no_partition_can_have_is_refused(void **state)
{
    (void)state;
    assert_refused(LEDGER, "0:-#c 4611686018427387904 60:-#c 4611686018427387904", "a cell");
    assert_refused(LEDGER, "0:-#c -300000000000000", "a cell");
    assert_refused("consumed 3 kept 4611686018427387904 bad 4611686018427387904", "0:-#c 3", "a counter of the ledger");
    assert_refused("consumed 3 total:v#c 281474976710656", "0:-#c 3", "a counter of the ledger");
}

/* What comes of the beginning of a reply: REDIS_OK while more has to come. */
static int begun(const char *answer, struct reply_limit *limit)
{
    redisReader *protocol = redisReaderCreate();
    void *reply = NULL;
    reply_limit_set(limit, protocol);
    assert_int_equal(redisReaderFeed(protocol, answer, strlen(answer)), REDIS_OK);
    int result = redisReaderGetReply(protocol, &reply);
    assert_null(reply);
    redisReaderFree(protocol);
    return result;
}

static void a_list_longer_than_any_that_is_asked_for_gets_no_room(void **state)
{
    (void)state;
    struct reply_limit limit;
    assert_int_equal(begun("*67108864\r\n", &limit), REDIS_OK);
    assert_false(limit.exceeded);
    assert_int_equal(begun("*67108865\r\n", &limit), REDIS_ERR);
    assert_true(limit.exceeded);
    assert_int_equal(begun("*2\r\n*1\r\n*2000000000\r\n", &limit), REDIS_ERR);
    assert_true(limit.exceeded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_and_ledger_that_agree_are_taken),
        cmocka_unit_test(a_count_that_no_partition_can_have_is_refused),
        cmocka_unit_test(a_list_longer_than_any_that_is_asked_for_gets_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
