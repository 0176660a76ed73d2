/* SPDX-License-Identifier: Apache-2.0
 * Replies to a read as they come over the wire, also such as somebody's hand in Redis could bring about. */
#include "cmocka_test.h"

#include "redis/read_decode.h"
#include "redis/reply_error.h"
#include "redis/reply_limit.h"
#include "state/slot_audit.h"

static const struct field fields[] = {{"category", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = 2, .key = FIELD_NONE, .event_time = "t"};
static const struct view views[] = {
    {.name = "v", .schema = &schema, .window = {.length_s = 60}, .dimensions = {0}, .dimension_count = 1}};
static const struct source source = {.name = "s", .views = views, .view_count = 1, .fingerprint = "f"};

#define META                                                                                                           \
    "format 3 incarnation 0123456789abcdef0123456789abcdef cluster c epoch 3 partitions 1 "                            \
    "first 0 lost 0 next 7 floor 0 floor_time 1 clock 1 tail 6 tail_time 1 end 7 sequence 1 "                          \
    "requires  commit x alarm  real_end 7 wanted_epoch 4 tail_hash 0000000000000001 start:3 0 consumed:3 3 gaps 1-2 "  \
    "idle 5 idle:3 4"

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

/* Applies [META, kind, first, parts]. */
static bool apply(struct slot_reader *reader, struct slot_parts *parts, const char *kind, const struct buffer *first,
                  const struct buffer *taken, struct error *error)
{
    struct buffer answer = {0};
    redisReader *protocol = redisReaderCreate();
    void *reply = NULL;
    bool more;
    buffer_append_string(&answer, "*4\r\n");
    append_list(&answer, META);
    append_bulk(&answer, kind, strlen(kind));
    buffer_append_text(&answer, buffer_text(first));
    buffer_append_text(&answer, buffer_text(taken));
    assert_int_equal(redisReaderFeed(protocol, answer.data, answer.length), REDIS_OK);
    assert_int_equal(redisReaderGetReply(protocol, &reply), REDIS_OK);
    bool applied = read_apply(reader, parts, reply, &more, error);
    assert_true(!applied || more == parts->begun);
    freeReplyObject(reply);
    redisReaderFree(protocol);
    buffer_clean_up(&answer);
    return applied;
}

/* A hash, or a part of it where there is a cursor to go on from. */
static void append_part(struct buffer *out, const char *name, const char *cursor, const char *cells)
{
    buffer_append_string(out, "*3\r\n");
    append_bulk(out, name, strlen(name));
    append_bulk(out, cursor, strlen(cursor));
    append_list(out, cells);
}

/* The answer to a read of a slot with these fields in the ledger and in the cells of a day. */
static bool read_all(const char *ledger, const char *cells, struct slot_reader *reader, struct error *error)
{
    struct slot_parts parts;
    struct buffer names = {0}, taken = {0};
    slot_reader_init(reader, slot_id_of(&source, 0), &source);
    slot_parts_init(&parts, reader->id, &source);
    append_list(&names, "3:ledger 3:cells:v:0");
    buffer_append_string(&taken, "*2\r\n");
    append_part(&taken, "3:ledger", "0", ledger);
    append_part(&taken, "3:cells:v:0", "0", cells);
    bool applied = apply(reader, &parts, "all", &names, &taken, error);
    slot_parts_clean_up(&parts);
    buffer_clean_up(&names);
    buffer_clean_up(&taken);
    return applied;
}

#define MANY_DIGITS "123456789012345678901234"
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

/* Redis is given a field that makes a long hash a table: a source with many views has such a ledger. */
static void long_hashes_are_taken(void **state)
{
    (void)state;
    struct slot_reader reader;
    struct error error = {0};
    assert_true(read_all("##### 0 " LEDGER, "##### 0 0:-#c 1 60:+1:a#c 2", &reader, &error));
    assert_true(slot_reader_audit(&reader, &error));
    slot_reader_clean_up(&reader);
}

/* One part of the cells, as an answer of this kind. */
static bool read_part(struct slot_reader *reader, struct slot_parts *parts, const char *kind, const char *name,
                      const char *cursor, const char *cells, struct error *error)
{
    struct buffer first = {0}, taken = {0};
    if (strcmp(kind, "all") == 0)
        append_list(&first, "3:cells:v:0");
    else
        buffer_append_string(&first, "*0\r\n");
    buffer_append_string(&taken, "*1\r\n");
    append_part(&taken, name, cursor, cells);
    bool applied = apply(reader, parts, kind, &first, &taken, error);
    buffer_clean_up(&first);
    buffer_clean_up(&taken);
    return applied;
}

static void begin_parts(struct slot_reader *reader, struct slot_parts *parts)
{
    slot_reader_init(reader, slot_id_of(&source, 0), &source);
    slot_parts_init(parts, reader->id, &source);
}

static void a_read_that_has_to_begin_again_forgets_what_it_had(void **state)
{
    (void)state;
    struct slot_reader reader;
    struct slot_parts parts;
    struct error error = {0};
    begin_parts(&reader, &parts);
    assert_true(read_part(&reader, &parts, "all", "3:cells:v:0", "17", "0:-#c 1 60:-#c 2", &error));
    assert_true(read_part(&reader, &parts, "all", "3:cells:v:0", "17", "0:-#c 4", &error));
    assert_int_equal(parts.beginnings, 2);
    assert_int_equal(reader.epoch_count, 0);
    assert_true(read_part(&reader, &parts, "changes", "3:cells:v:0", "0", "120:-#c 5", &error));
    struct panes *panes = &slot_reader_epoch(&reader, 3)->panes[0];
    assert_int_equal(panes_count(panes), 2);
    assert_int_equal(panes_get(panes, 0).cell->count + panes_get(panes, 1).cell->count, 9);
    slot_parts_clean_up(&parts);
    slot_reader_clean_up(&reader);
}

/* As where a newer program began the slot anew. */
static void a_slot_whose_cells_may_not_be_read_any_more_ends_the_read(void **state)
{
    (void)state;
    struct slot_reader reader;
    struct slot_parts parts;
    struct error error = {0};
    struct buffer nothing = {0};
    buffer_append_string(&nothing, "*0\r\n");
    begin_parts(&reader, &parts);
    assert_true(read_part(&reader, &parts, "all", "3:cells:v:0", "17", "0:-#c 1", &error));
    assert_true(apply(&reader, &parts, "meta", &nothing, &nothing, &error));
    assert_true(reader.slot.exists && reader.epoch_count == 0 && !parts.begun);
    slot_parts_clean_up(&parts);
    slot_reader_clean_up(&reader);
    buffer_clean_up(&nothing);
}

/* A server that isn't one of ours could keep a reader for ever. */
static void a_part_that_was_not_asked_for_is_refused(void **state)
{
    (void)state;
    static const char *const parts_sent[][2] = {
        {"3:cells:v:1", "0"}, {"3:cells:v:0", ""}, {"3:cells:v:0", MANY_DIGITS}};
    for (size_t i = 0; i < sizeof parts_sent / sizeof *parts_sent; i++) {
        struct slot_reader reader;
        struct slot_parts parts;
        struct error error = {0};
        struct buffer nothing = {0};
        begin_parts(&reader, &parts);
        assert_true(read_part(&reader, &parts, "all", "3:cells:v:0", "17", "0:-#c 1", &error));
        assert_false(read_part(&reader, &parts, "changes", parts_sent[i][0], parts_sent[i][1], "0:-#c 1", &error));
        assert_int_equal(error.code, ERROR_DATA);
        buffer_append_string(&nothing, "*0\r\n");
        assert_false(apply(&reader, &parts, "changes", &nothing, &nothing, &error));
        slot_parts_clean_up(&parts);
        slot_reader_clean_up(&reader);
        buffer_clean_up(&nothing);
    }
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

/* Also within a function, where Redis 7.0 and 7.2 say it in words of their own. */
static void a_right_that_is_missing_is_a_matter_of_permission(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "NOPERM this user has no permissions to run the 'fcall' command",
        "ERR The user executing the script can't run this command or subcommand script: f, on @user_function:1.",
        "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
        "ERR ACL failure in script: this user has no permissions to run the 'hset' command",
    };
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct error error = {0};
        reply_error_set(&error, text_of(replies[i]));
        assert_int_equal(error.code, ERROR_PERMISSION);
        assert_non_null(strstr(error.message, "access control list"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_that_is_missing_is_a_matter_of_permission),
        cmocka_unit_test(cells_and_ledger_that_agree_are_taken),
        cmocka_unit_test(long_hashes_are_taken),
        cmocka_unit_test(a_count_that_no_partition_can_have_is_refused),
        cmocka_unit_test(a_read_that_has_to_begin_again_forgets_what_it_had),
        cmocka_unit_test(a_slot_whose_cells_may_not_be_read_any_more_ends_the_read),
        cmocka_unit_test(a_part_that_was_not_asked_for_is_refused),
        cmocka_unit_test(a_list_longer_than_any_that_is_asked_for_gets_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
