/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a member's assignment: nothing behind them is read, and what is taken is what they say, byte by byte. */
#include "fuzz.h"

#include <string.h>

#include "kafka/assignment.h"

struct bytes {
    const uint8_t *at;
    size_t left;
};

/* A number of `size` bytes, or false where there are fewer. */
static bool number(struct bytes *bytes, size_t size, int64_t *ret_number)
{
    uint64_t sum = 0;
    if (bytes->left < size)
        return false;
    for (size_t i = 0; i < size; i++)
        sum = sum * 256 + bytes->at[i];
    *ret_number = sum >> (8 * size - 1) ? (int64_t)sum - (INT64_C(1) << 8 * size) : (int64_t)sum;
    bytes->at += size;
    bytes->left -= size;
    return true;
}

/* Compares, with the partitions that were taken, or only looks where `taken` is NULL. */
static bool is_assignment(struct bytes bytes, const struct group_partition *taken, size_t *ret_count)
{
    int64_t version, topics, length, partitions, partition;
    *ret_count = 0;
    if (bytes.left == 0)
        return true;
    if (!number(&bytes, 2, &version) || version < 0 || !number(&bytes, 4, &topics) || topics < 0)
        return false;
    for (; topics > 0; topics--) {
        if (!number(&bytes, 2, &length) || length < 0 || (uint64_t)length > bytes.left)
            return false;
        const char *name = (const char *)bytes.at;
        bytes.at += length;
        bytes.left -= (size_t)length;
        if (!number(&bytes, 4, &partitions) || partitions < 0)
            return false;
        for (; partitions > 0; partitions--, ++*ret_count) {
            if (!number(&bytes, 4, &partition))
                return false;
            if (taken)
                REQUIRE(taken[*ret_count].partition == partition &&
                        strncmp(taken[*ret_count].topic, name, (size_t)length) == 0);
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    const struct group_partition *partitions = NULL;
    size_t count = 0, expected;
    const struct text text = {(const char *)data, size};
    bool is_one = is_assignment((struct bytes){data, size}, NULL, &expected);
    REQUIRE(assignment_parse(text, &arena, &partitions, &count) == is_one);
    if (is_one) {
        REQUIRE(count == expected);
        is_assignment((struct bytes){data, size}, partitions, &expected);
    } else {
        REQUIRE(!partitions && count == 0);
    }
    arena_clean_up(&arena);
    return 0;
}
