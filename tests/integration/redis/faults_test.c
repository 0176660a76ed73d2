/* SPDX-License-Identifier: Apache-2.0 */
#include "slot_fixture.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "redis/connection.h"
#include "redis/functions.h"
#include "state/slot_audit.h"

static struct additions one;

static bool commit_fails(void)
{
    struct commit_outcome outcome;
    struct commit commit = commit_of(&one, "a", "c9", 20, 30);
    return !realtime_commit(store, &commit, &outcome, &error);
}

static enum commit_answer commit_answers(const char *id, int64_t expected, int64_t next)
{
    int64_t at;
    struct commit commit = commit_of(&one, "a", id, expected, next);
    return send_commit(&commit, &at);
}

/* A slot at 20 with one commit. */
static void begin_with_one(void)
{
    begin_slot("a", 1, 10);
    assert_int_equal(commit_answers("c1", 10, 20), COMMIT_OK);
}

static bool says(const char *word)
{
    return strstr(error.message, word) != NULL;
}

static void a_store_that_was_emptied_has_lost_the_slot(void **state)
{
    (void)state;
    struct slot_reader reader;
    begin_with_one();
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    assert_int_equal(reader.epoch_count, 1);
    redis_do("FLUSHALL");
    read_into(&reader);
    assert_int_equal(reader.epoch_count, 0);
    assert_false(reader.slot.exists);
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_LOST);
    slot_reader_clean_up(&reader);
}

static void functions_come_back_where_they_were_deleted(void **state)
{
    (void)state;
    begin_with_one();
    redis_do("FUNCTION FLUSH");
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_OK);
    assert_int_equal(ones_in_store(), 2);
}

static void a_restart_without_its_data_is_unavailable_once_then_lost(void **state)
{
    (void)state;
    begin_with_one();
    redis_server_kill(&server);
    must_fail(!commit_fails(), ERROR_UNAVAILABLE);
    must_fail(!commit_fails(), ERROR_UNAVAILABLE);
    redis_server_restart(&server, NULL);
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_LOST);
    begin_with_one();
    assert_int_equal(ones_in_store(), 1);
}

static void a_connection_that_died_while_nobody_asked_costs_nothing(void **state)
{
    (void)state;
    begin_with_one();
    redis_do("CLIENT KILL TYPE normal");
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_OK);
    assert_int_equal(ones_in_store(), 2);
}

static void full_memory_is_unavailable_and_nothing_is_half_written(void **state)
{
    (void)state;
    begin_with_one();
    redis_do("CONFIG SET maxmemory 1");
    must_fail(!commit_fails(), ERROR_UNAVAILABLE);
    assert_true(says("memory is full"));
    assert_int_equal(ones_in_store(), 1);
    drop_epochs(0);
    redis_do("CONFIG SET maxmemory 0");
    struct slot slot = slot_now();
    assert_int_equal(slot.next, 20);
    assert_int_equal(slot.sequence, 1);
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_OK);
    assert_int_equal(ones_in_store(), 2);
}

static void a_policy_that_evicts_is_refused(void **state)
{
    (void)state;
    struct slot slot;
    struct realtime_store *other = open_store();
    redis_do("CONFIG SET maxmemory-policy allkeys-lru");
    must_fail(other->operations->read_slot(other, slot_three, &slot, &error), ERROR_CONFIGURATION);
    assert_true(says("allkeys-lru") && says("noeviction"));
    redis_do("CONFIG SET maxmemory-policy noeviction");
    must(other->operations->read_slot(other, slot_three, &slot, &error));
    other->operations->destroy(other);
}

static void a_policy_that_is_changed_later_is_noticed(void **state)
{
    (void)state;
    struct redis_address address;
    struct redis_connection connection;
    struct text ping[] = {text_of("PING")};
    redisReply *reply;
    must(redis_address_parse(server.url, &address, &error));
    redis_connection_init(&connection, &address);
    must(redis_connection_call(&connection, ping, 1, &reply, &error));
    freeReplyObject(reply);
    redis_do("CONFIG SET maxmemory-policy volatile-ttl");
    connection.checked_us -= 10 * US_PER_SECOND;
    must_fail(redis_connection_call(&connection, ping, 1, &reply, &error), ERROR_CONFIGURATION);
    redis_do("CONFIG SET maxmemory-policy noeviction");
    redis_connection_clean_up(&connection);
}

static void assert_newer(const struct slot *slot)
{
    assert_true(slot->exists && slot->format == 99 && slot->epoch_count == 0 && slot->tail == -1);
    assert_string_equal(slot->incarnation, "");
    must_fail(slot_format_check(slot, &error), ERROR_DATA);
    assert_true(says("format 99") && says("format 3") && says("tidemark-batch repair"));
}

static void a_slot_of_a_newer_format_is_left_alone_until_it_is_forgotten(void **state)
{
    (void)state;
    struct slot slot, fresh = fresh_slot("b", 1, 10);
    struct slot_reader reader;
    int64_t offset;
    bool done;
    begin_with_one();
    redis_do("HSET %s format 99", META);
    must(store->operations->read_slot(store, slot_three, &slot, &error));
    assert_newer(&slot);
    must_fail(store->operations->open_epoch(store, slot_three, 2, &offset, &error), ERROR_TRY_AGAIN);
    assert_true(says("format 99") && says("format 3"));
    must_fail(store->operations->drop_epochs(store, slot_three, 2, &error), ERROR_TRY_AGAIN);
    must_fail(store->operations->init(store, slot_three, "a", &fresh, &done, &error), ERROR_TRY_AGAIN);
    must_fail(store->operations->init(store, slot_three, "", &fresh, &done, &error), ERROR_TRY_AGAIN);
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_FOREIGN);
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    assert_newer(&reader.slot);
    must_fail(slot_reader_audit(&reader, &error), ERROR_DATA);
    redis_do("HSET %s format 3", META);
    read_into(&reader);
    assert_int_equal(reader.epoch_count, 1);
    assert_int_equal(ones_in_store(), 1);
    redis_do("HSET %s format 99", META);
    read_into(&reader);
    assert_int_equal(reader.epoch_count, 0);
    must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
    assert_int_equal(redis_number("DBSIZE"), 0);
    begin_with_one();
    assert_int_equal(ones_in_store(), 1);
    slot_reader_clean_up(&reader);
}

/* Whatever a newer release keeps in its slots: nothing but the format is looked at. */
static void a_newer_format_may_hold_anything(void **state)
{
    (void)state;
    struct slot slot;
    redis_do("HSET %s format 99 next ten tail_hash x start:y z", META);
    must(store->operations->read_slot(store, slot_three, &slot, &error));
    assert_newer(&slot);
    must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
    assert_int_equal(redis_number("DBSIZE"), 0);
}

static void what_a_slot_requires_has_to_be_known(void **state)
{
    (void)state;
    struct slot slot, fresh = fresh_slot("a", 1, 10), other = fresh_slot("b", 1, 10);
    struct slot_reader reader;
    int64_t offset;
    bool done;
    snprintf(fresh.requires, sizeof fresh.requires, "members idle");
    must(store->operations->init(store, slot_three, "", &fresh, &done, &error));
    must(store->operations->read_slot(store, slot_three, &slot, &error));
    assert_true(slot.exists && slot.format == FORMAT_BEYOND && slot.epoch_count == 0);
    assert_string_equal(slot.requires, "members idle");
    must_fail(slot_format_check(&slot, &error), ERROR_DATA);
    assert_true(says("it requires \"members idle\"") && says("tidemark-batch repair"));
    must_fail(store->operations->open_epoch(store, slot_three, 2, &offset, &error), ERROR_TRY_AGAIN);
    assert_true(says("the slot requires \"members idle\""));
    must_fail(store->operations->drop_epochs(store, slot_three, 2, &error), ERROR_TRY_AGAIN);
    must_fail(store->operations->init(store, slot_three, "a", &other, &done, &error), ERROR_TRY_AGAIN);
    assert_int_equal(commit_answers("c1", 10, 20), COMMIT_FOREIGN);
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    assert_true(reader.slot.format == FORMAT_BEYOND && reader.epoch_count == 0);
    must_fail(slot_reader_audit(&reader, &error), ERROR_DATA);
    slot_reader_clean_up(&reader);
    must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
    assert_int_equal(redis_number("DBSIZE"), 0);
}

/* As a newer release would, which writes all that this one does: the digest is made anew. */
static void add_fields_to_meta(const char *first, const char *second)
{
    const char *words[128] = {"FCALL", REDIS_FUNCTION_INIT, "1", META, "3", REALTIME_KNOWN, "a", "b"};
    size_t lengths[128], count = 8;
    redisReply *held = redis_ask("HGETALL %s", META);
    for (size_t i = 0; i < held->elements; i += 2) {
        words[count++] = held->element[i]->str;
        words[count++] = strcmp(held->element[i]->str, "incarnation") == 0 ? "b" : held->element[i + 1]->str;
    }
    for (const char *field = first; field; field = field == first ? second : NULL) {
        words[count++] = field;
        words[count++] = "17";
    }
    for (size_t i = 0; i < count; i++)
        lengths[i] = strlen(words[i]);
    redisContext *context = connect_to_redis();
    redisReply *reply = redisCommandArgv(context, (int)count, words, lengths);
    redisFree(context);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_string_equal(reply->str, "OK");
    freeReplyObject(reply);
    freeReplyObject(held);
}

static bool meta_has(const char *field)
{
    char command[200];
    snprintf(command, sizeof command, "HEXISTS %s %s", META, field);
    return redis_number(command) == 1;
}

static void a_field_that_is_not_known_stays_as_long_as_its_slot_or_its_epoch(void **state)
{
    (void)state;
    int64_t next;
    struct commit commit = commit_of(&one, "b", "c1", 10, 20);
    begin_slot("a", 1, 10);
    add_fields_to_meta("later", "later:1");
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    assert_int_equal(ones_in_store(), 1);
    assert_int_equal(open_epoch(2), 20);
    assert_true(meta_has("later") && meta_has("later:1"));
    drop_epochs(1);
    assert_true(meta_has("later") && !meta_has("later:1") && !meta_has("start:1") && meta_has("start:2"));
    assert_int_equal(slot_now().epoch_count, 1);
    begin_slot("d", 1, 10);
    assert_false(meta_has("later"));
}

static void a_field_that_was_spoilt_is_named(void **state)
{
    (void)state;
    static const char *const spoilt[][2] = {
        {"next", "ten"},      {"next", ""},        {"next", "99999999999999999999"},
        {"next", "-3"},       {"sequence", "1e3"}, {"epoch", "2"},
        {"tail_hash", "xyz"}, {"start:1", "x"},    {"start:y", "1"},
        {"tail", "-2"},       {"gaps", "5-5"},     {"gaps", "1-2,2-3"},
        {"last:1", "7"},      {"last:1", "7:g"},   {"last:1", "-2:0123456789abcdef"},
        {"gaps", "1-21"},     {"consumed:1", "x"}, {"alarm", "an alarm of more than thirty-one bytes"},
        {"format", "first"},  {"clock", "0x10"},   {"incarnation", "0123456789012345678901234567890123456789"},
        {"format", "02"},     {"format", "2.0"},   {"format", "9999999999999999999"},
    };
    struct slot_reader reader;
    slot_reader_init(&reader, slot_three, &orders);
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        struct slot slot;
        flush_redis(NULL);
        begin_with_one();
        redis_do("HSET %s %s %s", META, spoilt[i][0], spoilt[i][1]);
        must_fail(store->operations->read_slot(store, slot_three, &slot, &error), ERROR_DATA);
        char field[40];
        snprintf(field, sizeof field, "the field %.*s of", (int)strcspn(spoilt[i][0], ":"), spoilt[i][0]);
        assert_true(says(field) && says("tidemark-batch repair"));
        must_fail(store->operations->read(store, &reader, &error), ERROR_DATA);
        must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
        assert_int_equal(redis_number("DBSIZE"), 0);
    }
    slot_reader_clean_up(&reader);
}

static void a_missing_field_is_named(void **state)
{
    (void)state;
    struct slot slot;
    static const char *const needed[] = {"next",    "epoch",      "cluster", "tail_hash", "format",
                                         "start:1", "consumed:1", "tail",    "gaps"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        flush_redis(NULL);
        begin_with_one();
        redis_do("HDEL %s %s", META, needed[i]);
        must_fail(store->operations->read_slot(store, slot_three, &slot, &error), ERROR_DATA);
    }
}

/* Every field, set to something that it could be: only the digest tells. */
static void a_field_that_was_edited_shows_whatever_it_says_now(void **state)
{
    (void)state;
    static const char *const edited[][2] = {
        {"next", "21"},
        {"epoch", "1 "},
        {"sequence", "2"},
        {"clock", "1"},
        {"end", "100"},
        {"tail", "3"},
        {"tail_time", "1"},
        {"tail_hash", "0123456789abcdef"},
        {"floor", "7"},
        {"floor_time", "1"},
        {"first", "6"},
        {"partitions", "1"},
        {"defined", "1"},
        {"start:1", "9"},
        {"consumed:1", "2"},
        {"commit", "c0"},
        {"alarm", "breaker"},
        {"gaps", "1-2"},
        {"cluster", "cluster-2"},
        {"another", "one"},
        {"recent_bytes", "0"},
        {"incarnation", "b"},
        {"last:1", "7:0123456789abcdef"},
    };
    struct slot_reader reader;
    slot_reader_init(&reader, slot_three, &orders);
    for (size_t i = 0; i < sizeof edited / sizeof *edited; i++) {
        struct slot slot;
        int64_t offset;
        flush_redis(NULL);
        begin_with_one();
        redis_do("HSET %s %s %s", META, edited[i][0], edited[i][1]);
        must_fail(store->operations->read_slot(store, slot_three, &slot, &error), ERROR_DATA);
        assert_true(says("tidemark-batch repair"));
        must_fail(store->operations->read(store, &reader, &error), ERROR_DATA);
        must_fail(store->operations->open_epoch(store, slot_three, 2, &offset, &error), ERROR_DATA);
        struct commit_outcome outcome;
        struct commit commit = commit_of(&one, "a", "c9", 20, 30);
        assert_true(!realtime_commit(store, &commit, &outcome, &error) || outcome.answer == COMMIT_FOREIGN);
        must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
        assert_int_equal(redis_number("DBSIZE"), 0);
        begin_with_one();
        assert_int_equal(ones_in_store(), 1);
    }
    slot_reader_clean_up(&reader);
}

static void assert_begun_anew_from(const char *format)
{
    struct slot slot, fresh = fresh_slot("b", 1, 10);
    struct slot_reader reader;
    bool done;
    begin_with_one();
    redis_do("HDEL %s tail gaps alarm digest consumed:1", META);
    redis_do("HSET %s format %s", META, format);
    must(store->operations->read_slot(store, slot_three, &slot, &error));
    assert_true(slot.exists && slot.format == atoi(format) && slot.epoch_count == 0);
    assert_true(slot.first == 5 && slot.partitions == 4 && slot.next == 0 && slot.tail == -1);
    assert_string_equal(slot.incarnation, "a");
    must_fail(slot_format_check(&slot, &error), ERROR_TRY_AGAIN);
    assert_true(says(format) && says("format 3") && says("the speed layer builds it again"));
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    assert_true(reader.slot.exists && reader.epoch_count == 0);
    slot_reader_clean_up(&reader);
    assert_int_equal(open_epoch(2), -1);
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_FOREIGN);
    must(store->operations->init(store, slot_three, "a", &fresh, &done, &error));
    assert_true(done);
    assert_int_equal(slot_now().format, REALTIME_FORMAT);
    assert_int_equal(redis_number("DBSIZE"), 3); /* meta, news of it, and the definitions that have a slot */
}

static void a_slot_of_an_older_format_is_begun_anew_and_keeps_where_it_began(void **state)
{
    static const char *const formats[] = {"2", "1", "0", "-7"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        flush_redis(state);
        assert_begun_anew_from(formats[i]);
    }
}

/* What an audit of the slot says; empty where all is well. */
static const char *audit(void)
{
    struct slot_reader reader;
    slot_reader_init(&reader, slot_three, &orders);
    read_into(&reader);
    bool sound = slot_reader_audit(&reader, &error);
    slot_reader_clean_up(&reader);
    return sound ? "" : error.message;
}

static void begin_two_epochs(void)
{
    begin_with_one();
    assert_int_equal(open_epoch(2), 20);
    assert_int_equal(commit_answers("c2", 20, 30), COMMIT_OK);
    assert_int_equal(commit_answers("c3", 30, 40), COMMIT_OK);
}

static void an_audit_finds_every_counter_that_was_deleted_or_changed(void **state)
{
    (void)state;
    static const struct {
        const char *key, *field;
    } held[] = {
        {"cells:minute:0", "600:#c"},  {"cells:minute:0", "600:#0r"},
        {"ledger", "consumed"},        {"ledger", "kept"},
        {"ledger", "counted:minute"},  {"ledger", "filtered:daily"},
        {"ledger", "total:minute#c"},  {"ledger", "total:minute#0r"},
        {"ledger", "total:minute#0x"}, {"ledger", "total:minute#1x"},
    };
    begin_two_epochs();
    assert_string_equal(audit(), "");
    for (size_t i = 0; i < 2 * sizeof held / sizeof *held; i++) {
        const char *key = held[i / 2].key, *field = held[i / 2].field;
        flush_redis(NULL);
        begin_two_epochs();
        if (i % 2)
            redis_do("HDEL " SLOT ":2:%s %s", key, field);
        else
            redis_do("HINCRBY " SLOT ":2:%s %s 1", key, field);
        assert_non_null(strstr(audit(), "epoch 2"));
    }
}

/* Counts and sums of the view stay what they were. */
static void an_audit_finds_changes_that_cancel_each_other(void **state)
{
    (void)state;
    static const char *const counters[] = {"c", "0r", "0n"};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
        flush_redis(NULL);
        begin_two_epochs();
        redis_do("HINCRBY " SLOT ":2:cells:minute:0 600:#%s 5", counters[i]);
        redis_do("HINCRBY " SLOT ":2:cells:minute:0 660:#%s -5", counters[i]);
        assert_non_null(strstr(audit(), "epoch 2: the cells of view minute aren't those that were committed"));
    }
}

static void a_slot_without_checksums_is_audited_without_them(void **state)
{
    (void)state;
    struct slot fresh = fresh_slot("a", 1, 10);
    struct additions additions;
    int64_t next;
    bool done;
    fresh.requires[0] = last_commit[0] = '\0';
    must(store->operations->init(store, slot_three, "", &fresh, &done, &error));
    additions_init(&additions);
    add_one(&additions);
    struct commit commit = commit_of(&additions, "a", "c1", 10, 20);
    commit.has_checksums = false;
    assert_int_equal(send_commit(&commit, &next), COMMIT_OK);
    additions_clean_up(&additions);
    assert_string_equal(audit(), "");
}

static void an_audit_finds_hashes_that_were_deleted_one_by_one_and_all(void **state)
{
    (void)state;
    begin_two_epochs();
    redis_do("DEL " SLOT ":1:cells:minute:0");
    assert_non_null(strstr(audit(), "epoch 1: the cells of view minute"));
    redis_do("DEL " SLOT ":1:ledger");
    assert_non_null(strstr(audit(), "epoch 1"));
    redis_do("SREM " SLOT ":hashes 2:cells:minute:0 2:ledger 1:cells:minute:0 1:ledger");
    assert_non_null(strstr(audit(), "epoch"));
}

static void forgetting_a_slot_leaves_nothing_whatever_its_keys_hold(void **state)
{
    (void)state;
    begin_two_epochs();
    must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
    assert_int_equal(redis_number("DBSIZE"), 0);
    must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
    redis_do("SET %s something", META);
    redis_do("SET " SLOT ":hashes something");
    redis_do("SET " SLOT ":recent something");
    must(store->operations->forget(store, slot_three, 0, &(bool){false}, &error));
    assert_int_equal(redis_number("DBSIZE"), 0);
    begin_with_one();
    assert_int_equal(ones_in_store(), 1);
}

static void a_commit_onto_a_spoilt_offset_adds_nothing(void **state)
{
    (void)state;
    begin_with_one();
    redis_do("HSET %s next ten", META);
    must_fail(!commit_fails(), ERROR_DATA);
    redis_do("HSET %s next 20", META);
    assert_int_equal(ones_in_store(), 1);
}

static void a_commit_that_breaks_off_between_its_writes_forgets_the_slot(void **state)
{
    (void)state;
    begin_with_one();
    redis_do("HSET " SLOT ":1:cells:minute:0 600:#0r many");
    must_fail(!commit_fails(), ERROR_DATA);
    assert_int_equal(redis_number("EXISTS " META " " SLOT ":hashes " SLOT ":recent " SLOT ":1:cells:minute:0"), 0);
    assert_false(slot_now().exists);
}

static void cells_that_were_spoilt_empty_the_reader(void **state)
{
    (void)state;
    static const char *const spoilt[][2] = {{"600:#0r", "many"}, {"600:", "1"},    {"600#c", "1"},
                                            {"600:#9r", "1"},    {"600:#x", "1"},  {"600:+1:a#c", "1"},
                                            {"x:#c", "1"},       {"600:#c", "1.5"}};
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        struct slot_reader reader;
        flush_redis(NULL);
        begin_with_one();
        redis_do("HSET " SLOT ":1:cells:minute:0 %s %s", spoilt[i][0], spoilt[i][1]);
        slot_reader_init(&reader, slot_three, &orders);
        must_fail(store->operations->read(store, &reader, &error), ERROR_DATA);
        assert_false(reader.slot.exists);
        assert_int_equal(reader.epoch_count, 0);
        slot_reader_clean_up(&reader);
    }
}

static void a_key_of_another_kind_is_said(void **state)
{
    (void)state;
    struct slot slot;
    redis_do("SET %s something", META);
    must_fail(store->operations->read_slot(store, slot_three, &slot, &error), ERROR_DATA);
    must_fail(!commit_fails(), ERROR_DATA);
}

static void a_server_kept_busy_by_a_script_is_unavailable(void **state)
{
    (void)state;
    char line[300];
    begin_with_one();
    redis_do("CONFIG SET busy-reply-threshold 1");
    snprintf(line, sizeof line, "redis-cli -s %s/redis.sock eval 'while true do end' 0 >/dev/null 2>&1 &",
             server.folder);
    assert_int_equal(system(line), 0);
    for (bool busy = false; !busy;) {
        redisReply *reply = redis_ask("PING");
        busy = reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "BUSY", 4) == 0;
        freeReplyObject(reply);
    }
    must_fail(!commit_fails(), ERROR_UNAVAILABLE);
    redis_do("SCRIPT KILL");
    while (commit_fails())
        assert_int_equal(error.code, ERROR_UNAVAILABLE);
    assert_int_equal(ones_in_store(), 2);
}

static void a_replica_is_unavailable_for_writes(void **state)
{
    (void)state;
    begin_with_one();
    redis_do("REPLICAOF 127.0.0.1 1");
    must_fail(!commit_fails(), ERROR_UNAVAILABLE);
    redis_do("REPLICAOF NO ONE");
    redis_do("CONFIG SET min-replicas-to-write 1");
    must_fail(!commit_fails(), ERROR_UNAVAILABLE);
    redis_do("CONFIG SET min-replicas-to-write 0");
    assert_int_equal(ones_in_store(), 1);
}

static bool reads_with_password(const char *password)
{
    struct realtime_store *other;
    struct slot slot;
    must(redis_store_open(server.url, password, "test", &other, &error));
    bool done = other->operations->read_slot(other, slot_three, &slot, &error);
    other->operations->destroy(other);
    return done;
}

static void passwords_are_checked_and_never_shown(void **state)
{
    (void)state;
    redis_do("CONFIG SET requirepass open-sesame");
    must_fail(reads_with_password(NULL), ERROR_PERMISSION);
    must_fail(reads_with_password("hunter-two"), ERROR_PERMISSION);
    assert_false(says("hunter-two"));
    assert_true(reads_with_password("open-sesame"));
    char line[300];
    snprintf(line, sizeof line,
             "redis-cli -s %s/redis.sock --no-auth-warning -a open-sesame config set requirepass '' "
             ">/dev/null",
             server.folder);
    assert_int_equal(system(line), 0);
    must_fail(reads_with_password("none-is-needed"), ERROR_PERMISSION);
    assert_false(says("none-is-needed"));
}

static void a_server_that_is_not_there_is_unavailable(void **state)
{
    (void)state;
    struct realtime_store *nowhere;
    struct slot slot;
    must(redis_store_open("unix:///nonexistent/redis.sock", NULL, "test", &nowhere, &error));
    must_fail(nowhere->operations->read_slot(nowhere, slot_three, &slot, &error), ERROR_UNAVAILABLE);
    assert_true(says("/nonexistent/redis.sock"));
    nowhere->operations->destroy(nowhere);
}

/* A server that answers the first command of one connection with a list it says is very long. */
static void *answer_with_a_list_too_long(void *listener)
{
    static const char answer[] = "*2000000000\r\n";
    char command[100];
    int connection = accept(*(int *)listener, NULL, NULL);
    bool answered = read(connection, command, sizeof command) > 0 &&
                    write(connection, answer, sizeof answer - 1) == sizeof answer - 1;
    close(connection);
    return answered ? listener : NULL;
}

static void a_list_longer_than_any_that_is_asked_for_is_said(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/other.sock", server.folder);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_with_a_list_too_long, &listener), 0);

    struct realtime_store *other;
    struct slot slot;
    char url[sizeof address.sun_path + 7];
    snprintf(url, sizeof url, "unix://%s", address.sun_path);
    must(redis_store_open(url, NULL, "test", &other, &error));
    must_fail(other->operations->read_slot(other, slot_three, &slot, &error), ERROR_UNAVAILABLE);
    assert_true(says("other.sock") && says("a list of more than 67108864 elements"));
    other->operations->destroy(other);

    void *answered;
    assert_int_equal(pthread_join(thread, &answered), 0);
    assert_non_null(answered);
    close(listener);
    unlink(address.sun_path);
}

int main(void)
{
    additions_init(&one);
    add_one(&one);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_store_that_was_emptied_has_lost_the_slot, flush_redis),
        cmocka_unit_test_setup(functions_come_back_where_they_were_deleted, flush_redis),
        cmocka_unit_test_setup(a_restart_without_its_data_is_unavailable_once_then_lost, flush_redis),
        cmocka_unit_test_setup(a_connection_that_died_while_nobody_asked_costs_nothing, flush_redis),
        cmocka_unit_test_setup(full_memory_is_unavailable_and_nothing_is_half_written, flush_redis),
        cmocka_unit_test_setup(a_policy_that_evicts_is_refused, flush_redis),
        cmocka_unit_test_setup(a_policy_that_is_changed_later_is_noticed, flush_redis),
        cmocka_unit_test_setup(a_slot_of_a_newer_format_is_left_alone_until_it_is_forgotten, flush_redis),
        cmocka_unit_test_setup(a_newer_format_may_hold_anything, flush_redis),
        cmocka_unit_test_setup(what_a_slot_requires_has_to_be_known, flush_redis),
        cmocka_unit_test_setup(a_field_that_is_not_known_stays_as_long_as_its_slot_or_its_epoch, flush_redis),
        cmocka_unit_test_setup(a_field_that_was_spoilt_is_named, flush_redis),
        cmocka_unit_test_setup(a_missing_field_is_named, flush_redis),
        cmocka_unit_test_setup(a_field_that_was_edited_shows_whatever_it_says_now, flush_redis),
        cmocka_unit_test_setup(a_slot_of_an_older_format_is_begun_anew_and_keeps_where_it_began, flush_redis),
        cmocka_unit_test_setup(an_audit_finds_every_counter_that_was_deleted_or_changed, flush_redis),
        cmocka_unit_test_setup(an_audit_finds_changes_that_cancel_each_other, flush_redis),
        cmocka_unit_test_setup(a_slot_without_checksums_is_audited_without_them, flush_redis),
        cmocka_unit_test_setup(an_audit_finds_hashes_that_were_deleted_one_by_one_and_all, flush_redis),
        cmocka_unit_test_setup(forgetting_a_slot_leaves_nothing_whatever_its_keys_hold, flush_redis),
        cmocka_unit_test_setup(a_commit_onto_a_spoilt_offset_adds_nothing, flush_redis),
        cmocka_unit_test_setup(a_commit_that_breaks_off_between_its_writes_forgets_the_slot, flush_redis),
        cmocka_unit_test_setup(cells_that_were_spoilt_empty_the_reader, flush_redis),
        cmocka_unit_test_setup(a_key_of_another_kind_is_said, flush_redis),
        cmocka_unit_test_setup(a_server_kept_busy_by_a_script_is_unavailable, flush_redis),
        cmocka_unit_test_setup(a_replica_is_unavailable_for_writes, flush_redis),
        cmocka_unit_test_setup(passwords_are_checked_and_never_shown, flush_redis),
        cmocka_unit_test_setup(a_server_that_is_not_there_is_unavailable, flush_redis),
        cmocka_unit_test_setup(a_list_longer_than_any_that_is_asked_for_is_said, flush_redis),
    };
    int failed = cmocka_run_group_tests(tests, start_redis, stop_redis);
    additions_clean_up(&one);
    return failed;
}
