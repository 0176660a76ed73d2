/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/words.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void words_add_text(struct words *words, struct text text)
{
    assert(words->count < WORDS_MAX);
    words->texts[words->count++] = text;
}

void words_add(struct words *words, const char *string)
{
    words_add_text(words, text_of(string));
}

static char *next_number(struct words *words)
{
    assert(words->number_count < sizeof words->numbers / sizeof *words->numbers);
    return words->numbers[words->number_count++];
}

void words_add_number(struct words *words, int64_t number)
{
    char *text = next_number(words);
    snprintf(text, sizeof *words->numbers, "%" PRId64, number);
    words_add(words, text);
}

void words_add_hash(struct words *words, uint64_t hash)
{
    char *text = next_number(words);
    snprintf(text, sizeof *words->numbers, "%016" PRIx64, hash);
    words_add(words, text);
}
