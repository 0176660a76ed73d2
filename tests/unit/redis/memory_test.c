/* SPDX-License-Identifier: Apache-2.0
 * Commits and reads of the real-time store while memory is short: a commit is whole or none, and a reader that could
 * not take a reply holds nothing that it could be wrong about. */
#include "cmocka_test.h"
#include "failing_memory.h"

#include "redis/commit_codec.h"
#include "redis/read_decode.h"

#define EPOCH 3
#define WINDOWS 70

static const struct field fields[] = {{"category", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = 2, .key = FIELD_NONE, .event_time = "t"};
static const struct view views[] = {{.name = "v",
                                     .schema = &schema,
                                     .window = {.length_s = 60},
                                     .dimensions = {0},
                                     .dimension_count = 1,
                                     .sums = {1},
                                     .sum_count = 1}};
static const struct source source = {.name = "s", .views = views, .view_count = 1, .fingerprint = "f"};
static const char group[] =
    "+93:a category of which the name is so long that the buffer for a cell's field has to grow "
    "for it";

static struct panes panes;
static struct ledger ledger = {.consumed = WINDOWS, .kept = WINDOWS, .views = {{.counted = WINDOWS}}};
static const struct commit commit = {.after = "", .source = &source, .ledger = &ledger, .panes = &panes};
static struct buffer whole;       /* the payload of the commit */
static redisReply *all, *changes; /* replies to reads */
static redisReply *half, *rest;   /* the same as all, in two parts with the commit between them */

static void append_bulk(struct buffer *out, struct text text)
{
    buffer_appendf(out, "$%zu\r\n", text.length);
    buffer_append_text(out, text);
    buffer_append_string(out, "\r\n");
}

/* A list of these words, NULL-ended; one that begins with a star is a list that is ready. */
static void append_list(struct buffer *out, const char *const words[])
{
    size_t count = 0;
    while (words[count])
        count++;
    buffer_appendf(out, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++)
        if (words[i][0] == '*')
            buffer_append_string(out, words[i]);
        else
            append_bulk(out, text_of(words[i]));
}

static redisReply *parsed(const struct buffer *answer)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    assert_int_equal(redisReaderFeed(reader, answer->data, answer->length), REDIS_OK);
    assert_int_equal(redisReaderGetReply(reader, &reply), REDIS_OK);
    assert_non_null(reply);
    redisReaderFree(reader);
    return reply;
}

static void append_meta(struct buffer *out)
{
    static const char *const meta[] = {"format",     "3", "incarnation", "0123456789abcdef0123456789abcdef",
                                       "cluster",    "c", "epoch",       "3",
                                       "partitions", "1", "first",       "0",
                                       "next",       "7", "floor",       "0",
                                       "floor_time", "1", "clock",       "1",
                                       "tail_time",  "1", "end",         "7",
                                       "sequence",   "1", "tail_hash",   "0000000000000001",
                                       "start:3",    "0", "consumed:3",  "7",
                                       "lost",       "0", "tail",        "6",
                                       "gaps",       "",  "requires",    "",
                                       "commit",     "x", "alarm",       "",
                                       "real_end",   "7", NULL};
    append_list(out, meta);
}

/* [meta, kind, first, parts] */
static redisReply *answer(const char *kind, struct text first, const char *parts)
{
    struct buffer out = {0};
    buffer_append_string(&out, "*4\r\n");
    append_meta(&out);
    append_bulk(&out, text_of(kind));
    buffer_append_text(&out, first);
    buffer_append_string(&out, parts);
    redisReply *reply = parsed(&out);
    buffer_clean_up(&out);
    return reply;
}

/* The list of one hash, or a part of it. */
static void append_part(struct buffer *out, const char *cursor, const char *const cells[])
{
    struct buffer list = {0};
    append_list(&list, cells);
    const char *const hash[] = {"3:cells:v:0", cursor, list.data, NULL};
    buffer_append_string(out, "*1\r\n");
    append_list(out, hash);
    buffer_clean_up(&list);
}

static void make_replies(void)
{
    struct buffer held = {0}, list = {0}, entry = {0};
    const char *cells[2 * WINDOWS + 1] = {NULL}, *some[WINDOWS + 1] = {NULL};
    static char names[WINDOWS][200];
    for (size_t i = 0; i < WINDOWS; i++) {
        snprintf(names[i], sizeof names[i], "%zu:%s#c", i * 60, group);
        cells[2 * i] = names[i];
        cells[2 * i + 1] = "2";
    }
    memcpy(some, cells, WINDOWS * sizeof *some);
    append_list(&held, (const char *const[]){"3:cells:v:0", NULL});
    append_part(&list, "0", cells);
    all = answer("all", buffer_text(&held), list.data);
    buffer_clear(&list);
    append_part(&list, "17", some);
    half = answer("all", buffer_text(&held), list.data);
    buffer_clear(&list);
    append_part(&list, "0", cells + WINDOWS);
    buffer_append_string(&entry, "3:id:");
    buffer_append_text(&entry, buffer_text(&whole));
    buffer_clear(&held);
    buffer_append_string(&held, "*1\r\n");
    append_bulk(&held, buffer_text(&entry));
    rest = answer("changes", buffer_text(&held), list.data);
    changes = answer("changes", buffer_text(&held), "*0\r\n");
    buffer_clean_up(&held);
    buffer_clean_up(&list);
    buffer_clean_up(&entry);
}

static int make_commit(void **state)
{
    (void)state;
    panes_init(&panes, &views[0]);
    for (int64_t i = 0; i < WINDOWS; i++) {
        struct cell *cell = panes_at(&panes, i * 60 * INT64_C(1000000), text_of(group));
        cell->count = 1;
        cell->sums[0] = (struct sum){1, (wide)i * 1000000001};
    }
    struct error error;
    if (!commit_encode(&commit, &whole, &error))
        return -1;
    make_replies();
    return 0;
}

static int free_commit(void **state)
{
    (void)state;
    panes_clean_up(&panes);
    buffer_clean_up(&whole);
    freeReplyObject(all);
    freeReplyObject(changes);
    freeReplyObject(half);
    freeReplyObject(rest);
    return 0;
}

static bool encode(void *context)
{
    (void)context;
    struct buffer out = {0};
    struct error error = {0};
    bool done = commit_encode(&commit, &out, &error);
    if (done) {
        assert_int_equal(out.length, whole.length);
        assert_memory_equal(out.data, whole.data, whole.length);
    } else {
        assert_int_equal(error.code, ERROR_INTERNAL);
        assert_non_null(strstr(error.message, "memory"));
    }
    buffer_clean_up(&out);
    return done;
}

static void a_commit_is_whole_or_not_made(void **state)
{
    (void)state;
    unsigned long allocations = fail_every_allocation(encode, NULL);
    assert_true(allocations > 5);
}

static void assert_count(struct slot_reader *reader, int64_t expected)
{
    struct epoch_cells *cells = slot_reader_epoch(reader, EPOCH);
    for (size_t i = 0; i < panes_count(&cells->panes[0]); i++)
        expected -= panes_get(&cells->panes[0], i).cell->count;
    assert_int_equal(expected, 0);
}

static void assert_short_of_memory(const struct slot_reader *reader, const struct error *error)
{
    assert_true(error->code == ERROR_INTERNAL && strstr(error->message, "memory") && reader->epoch_count == 0);
}

/* Takes the reply twice: what the first time left behind doesn't spoil the second. */
static bool read_twice(void *reply)
{
    struct slot_reader reader;
    struct slot_parts parts;
    bool done = true, more;
    slot_reader_init(&reader, slot_id_of(&source, 0), &source);
    slot_parts_init(&parts, reader.id, &source);
    int64_t count = 0, each = reply == all ? 2 * WINDOWS : WINDOWS;
    for (int i = 0; i < 2; i++) {
        struct error error = {0};
        bool applied = read_apply(&reader, &parts, reply, &more, &error);
        count = !applied ? 0 : reply == all ? each : count + each;
        if (applied)
            assert_count(&reader, count);
        else
            assert_short_of_memory(&reader, &error);
        slot_parts_drop(&parts);
        done = done && applied;
    }
    slot_parts_clean_up(&parts);
    slot_reader_clean_up(&reader);
    return done;
}

/* The half that was read has the commit added; the other half came with it. */
static bool read_in_parts(void *context)
{
    (void)context;
    struct slot_reader reader;
    struct slot_parts parts;
    struct error error = {0};
    bool more;
    slot_reader_init(&reader, slot_id_of(&source, 0), &source);
    slot_parts_init(&parts, reader.id, &source);
    bool done = read_apply(&reader, &parts, half, &more, &error);
    assert_true(!done || (more && reader.epoch_count == 0));
    done = done && read_apply(&reader, &parts, rest, &more, &error);
    assert_false(done && more);
    if (done)
        assert_count(&reader, 2 * WINDOWS + WINDOWS / 2);
    else
        assert_short_of_memory(&reader, &error);
    slot_parts_clean_up(&parts);
    slot_reader_clean_up(&reader);
    return done;
}

static void a_read_of_all_cells_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    fail_every_allocation(read_twice, all);
}

static void changes_are_taken_whole_or_the_reader_is_emptied(void **state)
{
    (void)state;
    fail_every_allocation(read_twice, changes);
}

static void a_read_in_parts_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    fail_every_allocation(read_in_parts, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_is_whole_or_not_made),
        cmocka_unit_test(a_read_of_all_cells_is_taken_whole_or_not_at_all),
        cmocka_unit_test(a_read_in_parts_is_taken_whole_or_not_at_all),
        cmocka_unit_test(changes_are_taken_whole_or_the_reader_is_emptied),
    };
    return cmocka_run_group_tests(tests, make_commit, free_commit);
}
