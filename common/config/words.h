/* SPDX-License-Identifier: Apache-2.0
 * What names look like, and the small notation word(argument) of types and measures. */
#ifndef TIDEMARK_CONFIG_WORDS_H
#define TIDEMARK_CONFIG_WORDS_H

#include <stdbool.h>

#include "base/text.h"

#define FIELD_NAME_MAX 48
#define TOPIC_NAME_MAX 249

/* Of sources, views, measures and jobs: [A-Za-z_][A-Za-z0-9_-]{0,39}. */
bool is_name(struct text text);
/* Of declared fields: [A-Za-z_][A-Za-z0-9_]{0,47}. */
bool is_field_name(struct text text);
/* Of Kafka topics: letters, digits, '.', '_' and '-', at most 249, neither "." nor "..". */
bool is_topic_name(struct text text);

/* Of columns that the tables have without being asked: "tm_…", and what PostgreSQL gives to every table. Then *ret_why
 * says whose the name is. */
bool is_taken_column(struct text name, const char **ret_why);

#define NAME_RULE "letters, digits, \"_\" and \"-\", beginning with a letter or \"_\", at most 40 characters"
#define FIELD_NAME_RULE "letters, digits and \"_\", not beginning with a digit, at most 48 characters"

/* True where the text begins with the prefix; *ret_rest is what follows it. */
bool text_after(struct text text, const char *prefix, struct text *ret_rest);

/* "sum(amount)" or "count": the pieces point into the text, without blanks around them. */
struct call {
    struct text word;
    bool has_argument;
    struct text argument;
};
/* False where it is neither a word nor a word with something in parentheses. */
bool call_parse(struct text text, struct call *ret_call);

#endif
