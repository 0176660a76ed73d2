/* SPDX-License-Identifier: Apache-2.0
 * What comes from a Redis may be anything. By the first byte: 'R' raw bytes of the protocol, as answers to reads of one
 * slot after the other: each is applied or refused, and a slot that is taken is encoded and decoded to itself; 'C' a
 * commit made from the bytes: what is encoded and then read back is what was committed; else an address. */
#include <string.h>

#include "base/bytes_map.h"
#include "fuzz.h"
#include "redis/address.h"
#include "redis/commit_codec.h"
#include "redis/read_decode.h"
#include "redis/reply_limit.h"
#include "redis/slot_codec.h"
#include "redis/slot_parts.h"
#include "state/slot_audit.h"

#define EPOCH 3
#define SUMS 2
#define COUNT_END (INT64_C(1) << 36)
#define INCARNATION "0123456789abcdef0123456789abcdef"

static const struct field fields[] = {
    {"category", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}, {"quantity", FIELD_INTEGER, 0}};
static const struct schema schema = {.fields = fields, .field_count = 3, .key = FIELD_NONE, .event_time = "t"};
static const struct view views[] = {
    {.name = "v",
     .schema = &schema,
     .window = {.length_s = 60},
     .dimensions = {0, 2},
     .dimension_count = 2,
     .sums = {1, 2},
     .sum_count = SUMS},
    {.name = "all", .schema = &schema, .window = {.length_s = 86400}},
};
static const struct source source = {.name = "s", .views = views, .view_count = 2, .fingerprint = "f"};

static void try_address(const uint8_t *data, size_t size)
{
    struct redis_address address;
    char *url = calloc(size + 1, 1);
    REQUIRE(url);
    memcpy(url, data, size);
    REQUIRE(!redis_address_parse(url, &address, NULL) || strlen(address.place) > 0);
    free(url);
}

/* --- slots --- */

/* The words as the answer that HGETALL gives. */
static redisReply *reply_of_words(const struct words *words)
{
    redisReply *reply = calloc(1, sizeof *reply);
    REQUIRE(reply);
    *reply = (redisReply){.type = REDIS_REPLY_ARRAY, .elements = words->count};
    reply->element = calloc(words->count + 1, sizeof(redisReply *));
    REQUIRE(reply->element);
    for (size_t i = 0; i < words->count; i++) {
        redisReply *word = reply->element[i] = calloc(1, sizeof *word);
        REQUIRE(word);
        *word = (redisReply){.type = REDIS_REPLY_STRING, .len = words->texts[i].length};
        REQUIRE((word->str = strndup(words->texts[i].data, words->texts[i].length)));
    }
    return reply;
}

static void check_slot_again(const struct slot *slot)
{
    struct words words = {.count = 0};
    struct slot_texts texts;
    struct slot again, begun = *slot; /* encoding begins a slot anew, with one epoch */
    struct error error = {0};
    begun.epoch_count = 1;
    memset(begun.epochs, 0, sizeof begun.epochs);
    begun.epochs[0] = (struct epoch_start){
        .epoch = slot->epoch, .offset = slot->next, .last = slot->tail, .last_hash = slot->tail_hash};
    begun.sequence = 0;
    memset(begun.commit_id, 0, sizeof begun.commit_id);
    memset(begun.alarm, 0, sizeof begun.alarm);
    slot_encode(slot, &texts, &words);
    redisReply *reply = reply_of_words(&words);
    REQUIRE(slot_decode(reply, &again, &error));
    freeReplyObject(reply);
    REQUIRE(memcmp(&again, &begun, sizeof again) == 0);
}

/* Whatever was taken can be audited. */
static void check_audit(struct slot_reader *reader)
{
    struct error error = {0};
    bool agrees = slot_reader_audit(reader, &error);
    REQUIRE(agrees ? error.code == ERROR_NONE : error.code == ERROR_DATA);
}

static void check_reader(struct slot_reader *reader, bool applied, const struct error *error)
{
    REQUIRE(applied == (error->code == ERROR_NONE));
    REQUIRE(applied || error->code == ERROR_DATA || error->code == ERROR_CONFIGURATION ||
            error->code == ERROR_INTERNAL || error->code == ERROR_UNAVAILABLE || error->code == ERROR_PERMISSION);
    REQUIRE(reader->slot.exists || reader->epoch_count == 0);
    REQUIRE(reader->epoch_count <= LIVE_EPOCHS_MAX);
    for (size_t i = 0; applied && i < reader->epoch_count; i++) {
        bool lives = false;
        for (size_t live = 0; live < reader->slot.epoch_count; live++)
            lives |= reader->slot.epochs[live].epoch == reader->epochs[i].epoch;
        REQUIRE(lives);
    }
    if (applied && reader->slot.exists && reader->slot.format == REALTIME_FORMAT)
        check_slot_again(&reader->slot);
    if (applied)
        check_audit(reader);
}

/* The bytes may hold several replies, which one reader follows. */
static void try_replies(const uint8_t *data, size_t size)
{
    struct slot_reader reader;
    struct slot_parts parts;
    struct reply_limit limit;
    redisReader *protocol = redisReaderCreate();
    void *reply = NULL;
    REQUIRE(protocol);
    reply_limit_set(&limit, protocol);
    slot_reader_init(&reader, slot_id_of(&source, 0), &source);
    slot_parts_init(&parts, reader.id, &source);
    (void)redisReaderFeed(protocol, (const char *)data, size);
    while (redisReaderGetReply(protocol, &reply) == REDIS_OK && reply) {
        struct error error = {0};
        bool more, applied = read_apply(&reader, &parts, reply, &more, &error);
        check_reader(&reader, applied, &error);
        REQUIRE(!applied || !parts.begun || (more && !slot_parts_are_whole(&parts)));
        if (!applied)
            slot_parts_drop(&parts);
        freeReplyObject(reply);
    }
    redisReaderFree(protocol);
    slot_parts_clean_up(&parts);
    slot_reader_clean_up(&reader);
}

/* --- commits --- */

struct bytes {
    const uint8_t *at, *end;
};

static int64_t take_number(struct bytes *bytes)
{
    uint64_t number = 0;
    for (unsigned count = bytes->at < bytes->end ? *bytes->at++ % 9 : 0; count && bytes->at < bytes->end; count--)
        number = number << 8 | *bytes->at++;
    return (int64_t)number;
}

/* Counts as far as a partition can be long; sums up to what so many of the largest amounts can come to. */
static void fill_cell(struct bytes *bytes, size_t sums, struct cell *cell)
{
    cell->count = take_number(bytes) % COUNT_END;
    for (size_t i = 0; i < sums; i++) {
        cell->sums[i].count = take_number(bytes) % COUNT_END;
        cell->sums[i].total = (wide)take_number(bytes) * (take_number(bytes) % 1000000000);
    }
}

/* No two of one key: adding them up is somebody else's work, and could overflow here. */
static void fill_panes(struct bytes *bytes, struct panes panes[2])
{
    while (bytes->at < bytes->end) {
        size_t view = *bytes->at++ % 2;
        struct value values[3] = {{.present = false}};
        int64_t start_us = take_number(bytes) % (INT64_MAX / 2);
        size_t length = (size_t)(bytes->end - bytes->at) < 12 ? (size_t)(bytes->end - bytes->at) : 12;
        length = length && view == 0 ? *bytes->at % (length + 1) : 0;
        values[0] = (struct value){.present = length % 5 != 4, .text = {(const char *)bytes->at, length}};
        bytes->at += length;
        values[2] = (struct value){.present = length % 3 != 2, .number = take_number(bytes)};
        struct buffer group = {0};
        group_append(&views[view], values, &group);
        struct cell *cell = panes_at(&panes[view], start_us, buffer_text(&group));
        REQUIRE(cell);
        fill_cell(bytes, views[view].sum_count, cell);
        buffer_clean_up(&group);
    }
}

static redisReply *text_reply(const char *data, size_t length)
{
    struct words words = {.count = 0};
    words_add(&words, "");
    redisReply *list = reply_of_words(&words), *reply = list->element[0];
    list->elements = 0;
    freeReplyObject(list);
    free(reply->str);
    REQUIRE((reply->str = malloc(length + 1)));
    memcpy(reply->str, data, length);
    reply->str[length] = '\0';
    reply->len = length;
    return reply;
}

static redisReply *list_reply(size_t count)
{
    redisReply *reply = reply_of_words(&(struct words){.count = 0});
    free(reply->element);
    reply->elements = count;
    REQUIRE((reply->element = calloc(count + 1, sizeof(redisReply *))));
    return reply;
}

/* The answer to a read: the slot, and the commits since. */
static redisReply *changes_reply(const struct buffer *payload)
{
    static const struct slot slot = {.exists = true, .incarnation = INCARNATION, .epoch = EPOCH};
    struct words words = {.count = 0};
    struct slot_texts texts;
    struct buffer entry = {0};
    slot_encode(&slot, &texts, &words);
    buffer_appendf(&entry, "%d::", EPOCH);
    buffer_append_text(&entry, buffer_text(payload));
    redisReply *reply = list_reply(4);
    reply->element[0] = reply_of_words(&words);
    reply->element[1] = text_reply("changes", 7);
    reply->element[2] = list_reply(1);
    reply->element[2]->element[0] = text_reply(entry.data, entry.length);
    reply->element[3] = list_reply(0);
    buffer_clean_up(&entry);
    return reply;
}

static bool same_cell(const struct view *view, const struct cell *a, const struct cell *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; i < view->sum_count; i++)
        same = same && a->sums[i].count == b->sums[i].count && a->sums[i].total == b->sums[i].total;
    return same;
}

static void check_panes(const struct panes *sent, struct panes *got)
{
    size_t count = 0;
    for (size_t i = 0; i < panes_count(sent); i++) {
        struct pane pane = panes_get(sent, i);
        if (cell_is_zero(sent->view, pane.cell))
            continue;
        count++;
        struct cell *cell = panes_at(got, pane.window_start_us, pane.group);
        REQUIRE(cell && same_cell(sent->view, pane.cell, cell));
    }
    REQUIRE(panes_count(got) == count);
}

static void check_read_back(const struct commit *commit, const struct buffer *payload)
{
    struct slot_reader reader;
    struct slot_parts parts;
    struct error error = {0};
    bool more;
    redisReply *reply = changes_reply(payload);
    slot_reader_init(&reader, slot_id_of(&source, 0), &source);
    slot_parts_init(&parts, reader.id, &source);
    REQUIRE(read_apply(&reader, &parts, reply, &more, &error));
    REQUIRE(!more);
    slot_parts_clean_up(&parts);
    struct epoch_cells *cells = slot_reader_epoch(&reader, EPOCH);
    REQUIRE(cells && memcmp(&cells->ledger, commit->ledger, sizeof cells->ledger) == 0);
    for (size_t i = 0; i < source.view_count; i++)
        check_panes(&commit->panes[i], &cells->panes[i]);
    freeReplyObject(reply);
    slot_reader_clean_up(&reader);
}

static void try_commit(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, data + size};
    struct panes panes[2];
    struct buffer payload = {0};
    struct error error = {0};
    struct ledger ledger = {.consumed = take_number(&bytes) % COUNT_END, .bad = take_number(&bytes) % COUNT_END};
    ledger.views[1].counted = take_number(&bytes) % COUNT_END;
    for (size_t i = 0; i < 2; i++)
        panes_init(&panes[i], &views[i]);
    fill_panes(&bytes, panes);
    const struct commit commit = {
        .after = "", .source = &source, .ledger = &ledger, .panes = panes, .has_checksums = true};
    if (commit_encode(&commit, &payload, &error))
        check_read_back(&commit, &payload);
    else
        REQUIRE(error.code == ERROR_INTERNAL);
    buffer_clean_up(&payload);
    for (size_t i = 0; i < 2; i++)
        panes_clean_up(&panes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'R')
        try_replies(data + 1, size - 1);
    else if (size > 0 && data[0] == 'C')
        try_commit(data + 1, size - 1);
    else
        try_address(data, size);
    return 0;
}
