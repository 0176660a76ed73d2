/* SPDX-License-Identifier: Apache-2.0
 * Decoding while memory is short: a message is judged as it is, or not judged at all. */
#include "cmocka_test.h"
#include "failing_memory.h"

#include "record/record.h"

static const struct field fields[] = {{"order_id", FIELD_TEXT, 0}, {"amount", FIELD_DECIMAL, 2}};
static const struct schema schema = {fields, 2, 0, "timestamp", TIME_RFC3339, 0};

#define GOOD "\"order_id\":\"o\",\"amount\":12.50,\"timestamp\":\"2026-01-01T00:00:00Z\""
#define LONG_BYTES (200 * 1024)

struct message {
    struct text text;
    bool is_good;
};

static char long_text[LONG_BYTES], many_keys[8192];
static struct message messages[] = {
    {{"{" GOOD "}", sizeof "{" GOOD "}" - 1}, true},
    {{"{\"order_id\":\"o\",\"amount\":null}", 30}, false},
    {{many_keys, 0}, true},
    {{long_text, LONG_BYTES}, true},
};

static int make_messages(void **state)
{
    (void)state;
    size_t length = (size_t)sprintf(many_keys, "{" GOOD);
    for (int i = 0; i < 300; i++)
        length += (size_t)sprintf(many_keys + length, ",\"key %d\":%d", i, i);
    length += (size_t)sprintf(many_keys + length, "}");
    messages[2].text.length = length;
    memset(long_text, ' ', sizeof long_text);
    memcpy(long_text, "{" GOOD "}", sizeof "{" GOOD "}" - 1);
    return 0;
}

/* False where it wasn't judged. */
static bool is_judged_rightly(struct decoder *decoder, const struct message *message)
{
    struct record record;
    struct rejection rejection;
    enum decode_result result = decoder_decode(decoder, message->text, -1, &record, &rejection);
    if (result == DECODE_GOOD) {
        assert_true(message->is_good);
        assert_int_equal(record.values[1].number, 1250);
        assert_int_equal(record.event_time_us, INT64_C(1767225600000000));
        return true;
    }
    assert_false(result == DECODE_REJECTED && message->is_good);
    return result == DECODE_REJECTED;
}

/* What one message couldn't have doesn't hurt the next, and a message that is tried again is judged then. */
static bool decode_all(void *context)
{
    (void)context;
    struct decoder *decoder = decoder_new(&schema);
    if (!decoder)
        return false;
    bool done = true;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
            done = is_judged_rightly(decoder, &messages[i]) && done;
        decoder_reset(decoder);
    }
    decoder_destroy(decoder);
    return done;
}

static void a_message_is_judged_rightly_or_not_at_all(void **state)
{
    (void)state;
    fail_every_allocation(decode_all, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_message_is_judged_rightly_or_not_at_all)};
    return cmocka_run_group_tests(tests, make_messages, NULL);
}
