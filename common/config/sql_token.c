/* SPDX-License-Identifier: Apache-2.0 */
#include "config/sql_token.h"

#include <strings.h>

static char at(const struct sql_reader *reader, size_t position)
{
    return position < reader->text.length ? reader->text.data[position] : '\0';
}

static bool begins_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool goes_on(char c)
{
    return begins_word(c) || is_digit(c);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool endless(struct sql_reader *reader, size_t begin, const char *what, struct error *error)
{
    reader->at = begin;
    return error_set(error, ERROR_CONFIGURATION, "%s doesn't end", what);
}

/* Over a comment between stars, in which others may be. */
static bool skip_comment(struct sql_reader *reader, struct error *error)
{
    size_t begin = reader->at;
    int depth = 0;
    do {
        char c = at(reader, reader->at), next = at(reader, reader->at + 1);
        if (reader->at >= reader->text.length)
            return endless(reader, begin, "a comment", error);
        bool opens = c == '/' && next == '*', closes = c == '*' && next == '/';
        depth += opens - closes;
        reader->at += opens || closes ? 2 : 1;
    } while (depth > 0);
    return true;
}

static bool skip_space(struct sql_reader *reader, struct error *error)
{
    for (;;) {
        char c = at(reader, reader->at), next = at(reader, reader->at + 1);
        if (c == '-' && next == '-') {
            while (reader->at < reader->text.length && at(reader, reader->at) != '\n')
                reader->at++;
        } else if (c == '/' && next == '*') {
            if (!skip_comment(reader, error))
                return false;
        } else if (is_blank(c)) {
            reader->at++;
        } else {
            return true;
        }
    }
}

/* Over what ends with the quote at `reader->at`, which stands for itself where it is doubled. */
static bool skip_quoted(struct sql_reader *reader, bool has_escapes, const char *what, struct error *error)
{
    size_t begin = reader->at;
    char quote = at(reader, reader->at++);
    while (reader->at < reader->text.length) {
        char c = at(reader, reader->at++);
        if (c == '\\' && has_escapes)
            reader->at++;
        else if (c == quote && at(reader, reader->at) == quote)
            reader->at++;
        else if (c == quote)
            return true;
    }
    return endless(reader, begin, what, error);
}

/* "$tag$" at `reader->at`; nothing where it isn't one. */
static struct text dollar_tag(const struct sql_reader *reader)
{
    size_t end = reader->at + 1;
    while (begins_word(at(reader, end)) || (end > reader->at + 1 && is_digit(at(reader, end))))
        end++;
    struct text tag = {reader->text.data + reader->at, end + 1 - reader->at};
    return at(reader, end) == '$' ? tag : (struct text){0};
}

static bool skip_dollars(struct sql_reader *reader, struct text tag, struct error *error)
{
    size_t begin = reader->at;
    for (reader->at += tag.length; reader->at + tag.length <= reader->text.length; reader->at++)
        if (memcmp(reader->text.data + reader->at, tag.data, tag.length) == 0) {
            reader->at += tag.length;
            return true;
        }
    return endless(reader, begin, "a string between dollars", error);
}

static void skip_word(struct sql_reader *reader)
{
    while (goes_on(at(reader, reader->at)) || at(reader, reader->at) == '$')
        reader->at++;
}

/* A word, or a string with a letter before it. */
static bool take_word(struct sql_reader *reader, struct sql_token *token, struct error *error)
{
    size_t begin = reader->at;
    token->kind = SQL_WORD;
    skip_word(reader);
    bool is_letter = reader->at == begin + 1 && at(reader, reader->at) == '\'';
    char letter = (char)(at(reader, begin) | 0x20);
    if (!is_letter || !memchr("ebxn", letter, 4))
        return true;
    token->kind = SQL_STRING;
    return skip_quoted(reader, letter == 'e', "a string", error);
}

static bool take_dollar(struct sql_reader *reader, struct sql_token *token, struct error *error)
{
    struct text tag = dollar_tag(reader);
    token->kind = tag.length ? SQL_STRING : is_digit(at(reader, reader->at + 1)) ? SQL_POSITIONAL : SQL_SYMBOL;
    if (token->kind == SQL_STRING)
        return skip_dollars(reader, tag, error);
    do
        reader->at++;
    while (token->kind == SQL_POSITIONAL && is_digit(at(reader, reader->at)));
    return true;
}

static void take_symbol(struct sql_reader *reader, struct sql_token *token)
{
    char c = at(reader, reader->at++);
    token->kind = SQL_SYMBOL;
    if (c == ':' && at(reader, reader->at) == ':') {
        reader->at++;
    } else if (c == ':' && begins_word(at(reader, reader->at))) {
        token->kind = SQL_NAMED;
        skip_word(reader);
    }
}

static bool take_token(struct sql_reader *reader, struct sql_token *token, struct error *error)
{
    char c = at(reader, reader->at);
    if (begins_word(c))
        return take_word(reader, token, error);
    if (c == '$')
        return take_dollar(reader, token, error);
    if (c == '\'' || c == '"') {
        token->kind = c == '"' ? SQL_QUOTED_NAME : SQL_STRING;
        return skip_quoted(reader, false, c == '"' ? "a name in quotes" : "a string", error);
    }
    if (!is_digit(c)) {
        take_symbol(reader, token);
        return true;
    }
    token->kind = SQL_NUMBER;
    while (goes_on(at(reader, reader->at)) || at(reader, reader->at) == '.')
        reader->at++;
    return true;
}

bool sql_token_next(struct sql_reader *reader, struct sql_token *ret_token, struct error *error)
{
    if (!skip_space(reader, error))
        return false;
    size_t begin = reader->at;
    struct sql_token token = {.kind = SQL_END, .text = {reader->text.data + begin, 0}};
    if (begin < reader->text.length && !take_token(reader, &token, error))
        return false;
    token.text.length = reader->at - begin;
    *ret_token = token;
    return true;
}

static bool is_word(struct text text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.data, word, text.length) == 0;
}

bool sql_token_is(const struct sql_token *token, const char *word)
{
    return token->kind == SQL_WORD && is_word(token->text, word);
}

bool sql_token_is_symbol(const struct sql_token *token, char symbol)
{
    return token->kind == SQL_SYMBOL && token->text.length == 1 && token->text.data[0] == symbol;
}

bool sql_token_names(const struct sql_token *token, const char *name)
{
    if (token->kind != SQL_QUOTED_NAME)
        return sql_token_is(token, name);
    return text_equal((struct text){token->text.data + 1, token->text.length - 2}, text_of(name));
}
