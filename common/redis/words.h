/* SPDX-License-Identifier: Apache-2.0
 * The words of one Redis command, with room for the numbers among them. */
#ifndef TIDEMARK_REDIS_WORDS_H
#define TIDEMARK_REDIS_WORDS_H

#include <stdint.h>

#include "base/text.h"

#define WORDS_MAX 64

/* All zero is no words. More than WORDS_MAX, or more numbers than there is room for, is a programmer's error. */
struct words {
    struct text texts[WORDS_MAX];
    size_t count;
    char numbers[32][24];
    size_t number_count;
};

void words_add(struct words *words, const char *string); /* must outlive the words, as must a text */
void words_add_text(struct words *words, struct text text);
void words_add_number(struct words *words, int64_t number);
void words_add_hash(struct words *words, uint64_t hash); /* as 16 hex digits */

#endif
