/* SPDX-License-Identifier: Apache-2.0 */
#include "view/expression_token.h"

#include <stdint.h>
#include <stdio.h>

static unsigned char byte_at(struct text source, size_t position)
{
    return position < source.length ? (unsigned char)source.data[position] : 0;
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Bytes beyond ASCII count as letters, so that a foreign word is shown whole. */
static bool is_word_byte(unsigned char byte)
{
    return is_digit(byte) || byte == '_' || byte >= 0x80 || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static bool is_blank(unsigned char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The length of the UTF-8 character at `position`, 0 where there is none: overlong forms, surrogates and what is beyond
 * U+10FFFF are none. */
static size_t character_length(struct text source, size_t position)
{
    unsigned char first = byte_at(source, position), second = byte_at(source, position + 1);
    if (first < 0x80) {
        return first != 0;
    }
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    unsigned char lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0xc2 || first > 0xf4 || second < lowest || second > highest) {
        return 0;
    }
    for (size_t i = 2; i < length; i++) {
        if ((byte_at(source, position + i) & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool source_is_text(struct text source, size_t *ret_position)
{
    for (size_t position = 0, length; position < source.length; position += length) {
        length = character_length(source, position);
        if (length == 0) {
            *ret_position = position;
            return false;
        }
    }
    return true;
}

/* The end of the text that begins with the quote at `start`; 0 where the closing quote is missing. */
static size_t end_of_text(struct text source, size_t start)
{
    for (size_t position = start + 1; position < source.length; position++) {
        if (source.data[position] != '\'') {
            continue;
        }
        if (byte_at(source, position + 1) != '\'') {
            return position + 1;
        }
        position++;
    }
    return 0;
}

static size_t end_of_word(struct text source, size_t start)
{
    size_t end = start;
    while (is_word_byte(byte_at(source, end))) {
        end++;
    }
    return end;
}

/* Digits, and a point only with digits behind it. */
static size_t end_of_number(struct text source, size_t start)
{
    size_t end = start + (source.data[start] == '-');
    while (is_digit(byte_at(source, end))) {
        end++;
    }
    if (byte_at(source, end) == '.' && is_digit(byte_at(source, end + 1))) {
        end++;
        while (is_digit(byte_at(source, end))) {
            end++;
        }
    }
    return end;
}

/* 0 where no symbol begins here. */
static size_t symbol_length(struct text source, size_t start)
{
    static const char *const symbols[] = {"<>", "<=", ">=", "!=", "<", ">", "=", "(", ")", ","};
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        size_t length = strlen(symbols[i]);
        if (source.length - start >= length && memcmp(source.data + start, symbols[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

static bool take_number(struct text source, struct token *token, size_t *ret_end, struct error *error)
{
    size_t end = end_of_number(source, token->position);
    if (is_word_byte(byte_at(source, end)) || byte_at(source, end) == '.') {
        return error_set(error, ERROR_CONFIGURATION, "a number is written as digits, with a point if need be: -12.50");
    }
    token->kind = TOKEN_NUMBER;
    *ret_end = end;
    return true;
}

static bool bad_character(unsigned char byte, struct error *error)
{
    if (byte == '"') {
        return error_set(error, ERROR_CONFIGURATION, "a text is written in single quotes, a field name in none");
    }
    return byte >= ' ' && byte < 0x7f
               ? error_set(error, ERROR_CONFIGURATION, "unexpected character \"%c\"", byte)
               : error_set(error, ERROR_CONFIGURATION, "unexpected character 0x%02x", (unsigned)byte);
}

/* Sets the token's kind and *ret_end by what stands at its position. */
static bool take_token(struct text source, struct token *token, size_t *ret_end, struct error *error)
{
    size_t start = token->position;
    unsigned char first = byte_at(source, start);
    if (is_digit(first) || (first == '-' && is_digit(byte_at(source, start + 1)))) {
        return take_number(source, token, ret_end, error);
    }
    if (is_word_byte(first)) {
        token->kind = TOKEN_WORD;
        *ret_end = end_of_word(source, start);
        return true;
    }
    if (first == '\'') {
        token->kind = TOKEN_TEXT;
        *ret_end = end_of_text(source, start);
        return *ret_end > 0 || error_set(error, ERROR_CONFIGURATION, "a text without its closing quote");
    }
    token->kind = TOKEN_SYMBOL;
    *ret_end = start + symbol_length(source, start);
    return *ret_end > start || bad_character(first, error);
}

bool token_next(struct text source, size_t position, struct token *ret_token, size_t *ret_position, struct error *error)
{
    while (is_blank(byte_at(source, position))) {
        position++;
    }
    struct token token = {.kind = TOKEN_END, .position = position};
    size_t end = position;
    if (position < source.length && !take_token(source, &token, &end, error)) {
        *ret_position = position;
        return false;
    }
    if (token.kind != TOKEN_END) {
        token.text = (struct text){source.data + position, end - position};
    }
    *ret_token = token;
    return true;
}

bool token_is_word(const struct token *token, const char *word)
{
    if (token->kind != TOKEN_WORD || token->text.length != strlen(word)) {
        return false;
    }
    for (size_t i = 0; i < token->text.length; i++) {
        char byte = token->text.data[i];
        if ((byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte) != word[i]) {
            return false;
        }
    }
    return true;
}

bool token_is_symbol(const struct token *token, const char *symbol)
{
    return token->kind == TOKEN_SYMBOL && text_equal(token->text, text_of(symbol));
}

bool token_is_reserved(const struct token *token)
{
    static const char *const words[] = {"and", "or", "not", "in", "is", "null", "true", "false"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (token_is_word(token, words[i])) {
            return true;
        }
    }
    return false;
}

struct shown_token token_show(const struct token *token)
{
    struct shown_token shown;
    if (token->kind == TOKEN_END) {
        (void)snprintf(shown.text, sizeof shown.text, "the end");
        return shown;
    }
    size_t length = token->text.length;
    if (length > 60) {
        length = 60;
        while (length > 0 && ((unsigned char)token->text.data[length] & 0xc0) == 0x80) {
            length--; /* not in the middle of a character */
        }
    }
    const char *quote = token->kind == TOKEN_TEXT ? "" : "\"";
    (void)snprintf(shown.text, sizeof shown.text, "%s%.*s%s%s", quote, (int)length, token->text.data,
                   length < token->text.length ? "…" : "", quote);
    return shown;
}
