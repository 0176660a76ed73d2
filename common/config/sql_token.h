/* SPDX-License-Identifier: Apache-2.0
 * SQL as words, by PostgreSQL's lexical rules (chapter 4.1 of its manual): white space and comments, which nest, stand
 * between; strings in single quotes, with escapes behind an E, or between dollars; names in double quotes. */
#ifndef TIDEMARK_CONFIG_SQL_TOKEN_H
#define TIDEMARK_CONFIG_SQL_TOKEN_H

#include "base/error.h"
#include "base/text.h"

enum sql_token_kind {
    SQL_END,
    SQL_WORD,        /* a name or a key word without quotes */
    SQL_QUOTED_NAME, /* "…", with its quotes */
    SQL_STRING,      /* '…', E'…' or $tag$…$tag$, with all of that */
    SQL_NUMBER,
    SQL_NAMED,      /* :name */
    SQL_POSITIONAL, /* $1 */
    SQL_SYMBOL,     /* one character, or :: */
};

struct sql_token {
    enum sql_token_kind kind;
    struct text text; /* as it stands there */
};

struct sql_reader {
    struct text text;
    size_t at; /* behind the last token */
};

/* The next one. ERROR_CONFIGURATION where a string, a quoted name or a comment doesn't end; `reader->at` is then where
 * it begins. */
bool sql_token_next(struct sql_reader *reader, struct sql_token *ret_token, struct error *error) MUST_CHECK;

/* Whether it is this word, given in lower case, and isn't in quotes. */
bool sql_token_is(const struct sql_token *token, const char *word);
bool sql_token_is_symbol(const struct sql_token *token, char symbol);
/* Whether it names this, which is in lower case, with quotes or without. */
bool sql_token_names(const struct sql_token *token, const char *name);

#endif
