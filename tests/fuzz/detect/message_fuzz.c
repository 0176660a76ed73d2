/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as the message of a rule: whether it compiles, and what it says of a transaction, must be what a reading of
 * it letter by letter says. */
#include "fuzz.h"

#include <string.h>

#include "detect/rule_message.h"

#define FIELDS 4
#define COUNT 7

static const struct field fields[FIELDS] = {
    {"id", FIELD_TEXT, 0}, {"count", FIELD_INTEGER, 0}, {"amount", FIELD_DECIMAL, 2}, {"none", FIELD_TEXT, 0}};
static const struct schema schema = {.fields = fields, .field_count = FIELDS, .key = 0, .event_time = "at"};
static const struct value values[FIELDS] = {{.present = true, .text = {"t{1}", 4}},
                                            {.present = true, .number = -12},
                                            {.present = true, .number = 1234500},
                                            {.present = false}};
/* What each name stands for in a rule that counts, and in one that doesn't; NULL: it may not be named there. */
static const struct {
    const char *name, *counted, *plain;
} meanings[] = {{"id", "t{1}", "t{1}"},   {"count", "7", "-12"},    {"amount", "12345.00", "12345.00"},
                {"none", "null", "null"}, {"more_than", "6", NULL}, {"within", "5 minutes", NULL}};

static const char *meaning(struct text name, bool counts)
{
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (text_equal(name, text_of(meanings[i].name)))
            return counts ? meanings[i].counted : meanings[i].plain;
    return NULL;
}

/* False where it isn't a message. */
static bool read_letter_by_letter(struct text source, bool counts, struct buffer *out)
{
    for (size_t at = 0; at < source.length; at++) {
        if (source.data[at] != '{') {
            buffer_append_char(out, source.data[at]);
            continue;
        }
        size_t begin = ++at;
        if (at < source.length && source.data[at] == '{') {
            buffer_append_char(out, '{');
            continue;
        }
        while (at < source.length && source.data[at] != '}')
            at++;
        const char *said = at < source.length ? meaning((struct text){source.data + begin, at - begin}, counts) : NULL;
        if (!said)
            return false;
        buffer_append_string(out, said);
    }
    return true;
}

static void check(struct text source, bool counts)
{
    struct arena arena = {0};
    struct buffer expected = {0}, said = {0};
    struct error error = {0};
    const struct velocity_words words = {6, "5 minutes"};
    const struct rule_message *message;
    size_t position = 0;
    bool is_one = read_letter_by_letter(source, counts, &expected);
    REQUIRE(rule_message_compile(source, &schema, counts ? &words : NULL, &arena, &message, &position, &error) ==
            is_one);
    if (is_one) {
        rule_message_append(message, &schema, values, COUNT, &said);
        REQUIRE(text_equal(buffer_text(&said), buffer_text(&expected)));
    } else {
        REQUIRE(error.code == ERROR_CONFIGURATION && position < source.length && source.data[position] == '{');
    }
    buffer_clean_up(&expected);
    buffer_clean_up(&said);
    arena_clean_up(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct text source = {(const char *)data, size};
    check(source, true);
    check(source, false);
    return 0;
}
