/* SPDX-License-Identifier: Apache-2.0
 * What comes from a Redis, or from a configuration, may be anything: an address as text, or the answer to a read as raw
 * bytes of the protocol. Nothing of it may crash, and what an error leaves behind must be usable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "redis/address.h"
#include "redis/read_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct field fields[] = {{"category", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {.fields = fields, .field_count = 2};
static const struct view views[] = {{.name = "v",
                                     .schema = &schema,
                                     .window = {60},
                                     .dimensions = {0},
                                     .dimension_count = 1,
                                     .sums = {1},
                                     .sum_count = 1}};
static const struct source source = {.name = "s", .views = views, .view_count = 1, .fingerprint = "f"};

static void try_address(const uint8_t *data, size_t size)
{
    struct redis_address address;
    char *url = malloc(size + 1);
    if (!url)
        return;
    memcpy(url, data, size);
    url[size] = '\0';
    if (redis_address_parse(url, &address, NULL) && strlen(address.place) == 0)
        abort();
    free(url);
}

/* The bytes may hold several replies, which one reader follows. */
static void try_replies(const uint8_t *data, size_t size)
{
    struct slot_reader reader;
    redisReader *protocol = redisReaderCreate();
    void *reply = NULL;
    slot_reader_init(&reader, (struct slot_id){"s", 0}, &source);
    redisReaderFeed(protocol, (const char *)data, size);
    while (redisReaderGetReply(protocol, &reply) == REDIS_OK && reply) {
        struct error error = {0};
        bool again;
        bool applied = read_apply(&reader, reply, &again, &error);
        if (applied != (error.code == ERROR_NONE) || (!reader.slot.exists && reader.epoch_count > 0))
            abort();
        freeReplyObject(reply);
    }
    redisReaderFree(protocol);
    slot_reader_clean_up(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == '*')
        try_replies(data, size);
    else
        try_address(data, size);
    return 0;
}
