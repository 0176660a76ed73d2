/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include "base/bytes_map.h"

static struct text numbered(char memory[32], int number)
{
    snprintf(memory, 32, "key %d", number);
    return text_of(memory);
}

static void values_are_found_again_and_stay_where_they_are(void **state)
{
    (void)state;
    struct bytes_map map;
    bytes_map_init(&map, sizeof(int));
    char memory[32];
    int *first = bytes_map_at(&map, numbered(memory, 0));
    assert_int_equal(*first, 0);
    for (int i = 0; i < 5000; i++)
        *(int *)bytes_map_at(&map, numbered(memory, i)) = i;
    assert_int_equal(map.count, 5000);
    assert_ptr_equal(bytes_map_find(&map, numbered(memory, 0)), first);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(*(int *)bytes_map_find(&map, numbered(memory, i)), i);
    assert_null(bytes_map_find(&map, text_of("key")));
    assert_true(text_equal(map.entries[17].key, numbered(memory, 17)));
    bytes_map_clean_up(&map);
}

static void a_cleared_map_is_empty_and_its_values_begin_at_zero(void **state)
{
    (void)state;
    struct bytes_map map;
    bytes_map_init(&map, sizeof(int));
    for (int round = 0; round < 3; round++) {
        char memory[32];
        for (int i = 0; i < 100; i++) {
            int *value = bytes_map_at(&map, numbered(memory, i));
            assert_int_equal(*value, 0);
            *value = 7;
        }
        bytes_map_clear(&map);
        assert_int_equal(map.count, 0);
        assert_null(bytes_map_find(&map, text_of("key 1")));
    }
    bytes_map_clean_up(&map);
}

static void keys_may_hold_any_bytes_and_be_empty(void **state)
{
    (void)state;
    struct bytes_map map;
    bytes_map_init(&map, sizeof(int));
    *(int *)bytes_map_at(&map, (struct text){"", 0}) = 1;
    *(int *)bytes_map_at(&map, (struct text){"\0", 1}) = 2;
    *(int *)bytes_map_at(&map, (struct text){"\0\0", 2}) = 3;
    assert_int_equal(*(int *)bytes_map_find(&map, (struct text){"\0", 1}), 2);
    assert_int_equal(*(int *)bytes_map_find(&map, (struct text){"", 0}), 1);
    assert_int_equal(map.count, 3);
    bytes_map_clean_up(&map);
}

/* What a number must be multiplied by to undo a multiplication by this one (odd) number. */
static uint64_t inverse(uint64_t number)
{
    uint64_t found = number;
    for (int i = 0; i < 6; i++)
        found *= 2 - number * found;
    return found;
}

/* The eight bytes that FNV-1a by words of eight, with MurmurHash3's finaliser, hashes to this number. */
static uint64_t bytes_for(uint64_t hash)
{
    hash ^= hash >> 33;
    hash *= inverse(UINT64_C(0xFF51AFD7ED558CCD));
    hash ^= hash >> 33;
    hash ^= hash >> 32;
    return (hash * inverse(UINT64_C(0x9E3779B97F4A7C15))) ^ UINT64_C(14695981039346656037);
}

/* Of a hash without a seed anybody can work out such keys. Each would be looked for behind all before it. */
static void keys_that_were_chosen_to_fall_together_are_spread(void **state)
{
    (void)state;
    enum { KEYS = 20000 };
    struct bytes_map map;
    bytes_map_init(&map, 1);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t key = bytes_for(i << 32 | 7);
        assert_non_null(bytes_map_at(&map, (struct text){(const char *)&key, sizeof key}));
    }
    assert_int_equal(map.count, KEYS);
    size_t steps = 0, mask = map.bucket_count - 1;
    for (size_t at = 0; at < map.bucket_count; at++)
        if (map.buckets[at])
            steps += (at - map.entries[map.buckets[at] - 1].hash) & mask;
    assert_true(steps < 4 * (size_t)KEYS);
    bytes_map_clean_up(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_again_and_stay_where_they_are),
        cmocka_unit_test(a_cleared_map_is_empty_and_its_values_begin_at_zero),
        cmocka_unit_test(keys_may_hold_any_bytes_and_be_empty),
        cmocka_unit_test(keys_that_were_chosen_to_fall_together_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
