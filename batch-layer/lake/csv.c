/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/csv.h"

void csv_begin(FILE *file)
{
    char mark[3];
    if (fread(mark, 1, sizeof mark, file) != sizeof mark || memcmp(mark, "\xEF\xBB\xBF", sizeof mark) != 0)
        rewind(file);
}

/* What stands in quotes, of which the first is read. False where the file ends before the last. */
static bool take_quoted(FILE *file, struct buffer *bytes)
{
    for (int c; (c = getc_unlocked(file)) != EOF;) {
        if (c == '"') {
            int next = getc_unlocked(file);
            if (next != '"') {
                (void)ungetc(next, file);
                return true;
            }
        }
        buffer_append_char(bytes, (char)c);
    }
    return false;
}

static void end_field(struct csv_record *record, size_t begin, bool is_quoted)
{
    if (record->count < CSV_FIELDS_MAX) {
        size_t length = record->bytes.length - begin;
        record->fields[record->count].begin = begin;
        record->fields[record->count].length = length;
        record->fields[record->count].is_null = length == 0 && !is_quoted;
    }
    record->count++;
}

enum csv_result csv_next(FILE *file, struct csv_record *record)
{
    buffer_clear(&record->bytes);
    record->count = 0;
    int c = getc_unlocked(file);
    if (c == EOF)
        return CSV_END;
    size_t begin = 0;
    bool is_quoted = false;
    for (;; c = getc_unlocked(file)) {
        if (c == '\r') { /* the first half of a line's end */
            c = getc_unlocked(file);
            if (c != '\n') {
                (void)ungetc(c, file);
                c = '\r';
            }
        }
        if (c == EOF || c == '\n' || c == ',') {
            end_field(record, begin, is_quoted);
            begin = record->bytes.length;
            is_quoted = false;
            if (c != ',')
                return CSV_RECORD;
        } else if (c == '"' && record->bytes.length == begin && !is_quoted) {
            is_quoted = true;
            if (!take_quoted(file, &record->bytes))
                return CSV_OPEN_QUOTE;
        } else {
            buffer_append_char(&record->bytes, (char)c);
        }
    }
}

struct text csv_field(const struct csv_record *record, size_t number)
{
    if (record->fields[number].is_null)
        return (struct text){0};
    return (struct text){buffer_string(&record->bytes) + record->fields[number].begin, record->fields[number].length};
}
