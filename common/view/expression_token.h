/* SPDX-License-Identifier: Apache-2.0
 * The words of an expression. Internal to expression*.c. */
#ifndef TIDEMARK_VIEW_EXPRESSION_TOKEN_H
#define TIDEMARK_VIEW_EXPRESSION_TOKEN_H

#include "base/error.h"
#include "base/text.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* a field name or one of the language's words */
    TOKEN_TEXT,   /* with its quotes */
    TOKEN_NUMBER, /* with its sign */
    TOKEN_SYMBOL, /* ( ) , = <> != < <= > >= */
};

struct token {
    enum token_kind kind;
    struct text text; /* as written; empty at the end */
    size_t position;  /* in the source, in bytes */
};

/* True where the source is UTF-8 without NUL; else *ret_position is the first byte that isn't. */
bool source_is_text(struct text source, size_t *ret_position);

/* The token at or after `position`. On failure *ret_position is where it went wrong. */
bool token_next(struct text source, size_t position, struct token *ret_token, size_t *ret_position,
                struct error *error) MUST_CHECK;

/* Letter case doesn't matter; `word` is in small letters. */
bool token_is_word(const struct token *token, const char *word);
bool token_is_symbol(const struct token *token, const char *symbol);
/* True for the words that no field can be named in an expression: and, or, not, … */
bool token_is_reserved(const struct token *token);

/* How an error message shows a token: quoted, shortened, or "the end". */
struct shown_token {
    char text[80];
};
struct shown_token token_show(const struct token *token);

#endif
