/* SPDX-License-Identifier: Apache-2.0 */
#include "postgres/copy_rows.h"

#include <string.h>

#define SIGNATURE_BYTES 11 /* before it come flags, and how much is to be passed over */
#define NUMERIC_DIGITS 4   /* of ten, in one of that base */
#define NUMERIC_NEGATIVE 0x4000

static int64_t number_at(const char *at, size_t bytes)
{
    uint64_t number = *at < 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | (unsigned char)at[i];
    return (int64_t)number;
}

bool copy_rows_begin(struct copy_rows *rows, PGconn *connection, const struct buffer *query, size_t columns,
                     struct error *error)
{
    struct buffer sql = {0};
    *rows = (struct copy_rows){.connection = connection, .columns = columns};
    buffer_append_string(&sql, "copy (");
    buffer_append_text(&sql, buffer_text(query));
    buffer_append_string(&sql, ") to stdout (format binary)");
    bool done = !query->failed && !sql.failed ? connection_copy_begin(connection, buffer_string(&sql), error)
                                              : error_set(error, ERROR_INTERNAL, "out of memory");
    buffer_clean_up(&sql);
    return done;
}

void copy_rows_clean_up(struct copy_rows *rows)
{
    PQfreemem(rows->piece);
    rows->piece = NULL;
}

static bool is_spoilt(struct error *error)
{
    return error_set(error, ERROR_UNAVAILABLE, "PostgreSQL sends rows that can't be read");
}

/* Takes a number off the front. */
static bool take_number(struct text *left, size_t bytes, int64_t *ret_number)
{
    if (left->length < bytes)
        return false;
    *ret_number = number_at(left->data, bytes);
    *left = (struct text){left->data + bytes, left->length - bytes};
    return true;
}

static bool pass_head(struct text *left)
{
    int64_t flags, further;
    if (left->length < SIGNATURE_BYTES)
        return false;
    *left = (struct text){left->data + SIGNATURE_BYTES, left->length - SIGNATURE_BYTES};
    if (!take_number(left, 4, &flags) || !take_number(left, 4, &further) || further < 0 ||
        left->length < (size_t)further)
        return false;
    *left = (struct text){left->data + further, left->length - (size_t)further};
    return true;
}

static bool take_value(struct text *left, struct text *ret_value)
{
    int64_t length;
    if (!take_number(left, 4, &length) || (length > 0 && left->length < (size_t)length))
        return false;
    *ret_value = length < 0 ? (struct text){0} : (struct text){left->data, (size_t)length};
    if (length > 0)
        *left = (struct text){left->data + length, left->length - (size_t)length};
    return true;
}

/* The row in a piece; false in *ret_any where it is the mark behind the last row. */
static bool split(const struct copy_rows *rows, struct text left, struct text values[], bool *ret_any)
{
    int64_t count;
    if (!take_number(&left, 2, &count))
        return false;
    *ret_any = count >= 0;
    if (*ret_any && (size_t)count != rows->columns)
        return false;
    for (int64_t i = 0; i < count; i++)
        if (!take_value(&left, &values[i]))
            return false;
    return true;
}

/* The next piece without the head; behind the mark nothing comes. */
static bool take_piece(struct copy_rows *rows, struct text *ret_piece, struct error *error)
{
    PQfreemem(rows->piece);
    rows->piece = NULL;
    if (!connection_copy_take(rows->connection, ret_piece, error))
        return false;
    rows->piece = (char *)(uintptr_t)ret_piece->data;
    rows->is_over = !ret_piece->data;
    if (rows->is_over || rows->is_behind)
        return true;
    rows->is_behind = true;
    return pass_head(ret_piece) || is_spoilt(error);
}

bool copy_rows_next(struct copy_rows *rows, struct text values[], bool *ret_any, struct error *error)
{
    *ret_any = false;
    while (!*ret_any && !rows->is_over) {
        struct text piece;
        if (!take_piece(rows, &piece, error))
            return false;
        if (!rows->is_over && !split(rows, piece, values, ret_any))
            return is_spoilt(error);
    }
    return true;
}

bool copy_row_integer(struct text value, int64_t *ret_number)
{
    if (value.length != 4 && value.length != 8)
        return false;
    *ret_number = number_at(value.data, value.length);
    return true;
}

/* Adds one digit of the base 10000, whose unit is 10000^weight, in units of 10^-scale. */
static bool add_digit(int64_t digit, int64_t weight, unsigned scale, int64_t *number)
{
    int64_t places = weight * NUMERIC_DIGITS + scale;
    for (; places < 0; places++, digit /= 10)
        if (digit % 10 != 0)
            return false;
    for (; places > 0 && digit != 0; places--)
        if (__builtin_mul_overflow(digit, 10, &digit))
            return false;
    return !__builtin_add_overflow(*number, digit, number);
}

bool copy_row_decimal(struct text value, unsigned scale, int64_t *ret_number)
{
    int64_t count, weight, sign, shown, digit, number = 0;
    if (!take_number(&value, 2, &count) || !take_number(&value, 2, &weight) || !take_number(&value, 2, &sign) ||
        !take_number(&value, 2, &shown) || (sign != 0 && sign != NUMERIC_NEGATIVE) || value.length != (size_t)count * 2)
        return false;
    for (int64_t i = 0; i < count; i++)
        if (!take_number(&value, 2, &digit) || !add_digit(digit, weight - i, scale, &number))
            return false;
    *ret_number = sign ? -number : number;
    return true;
}
