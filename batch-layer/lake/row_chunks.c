/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/row_chunks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)1 << 20)

struct row_chunks {
    const struct lake_folder *folder;
    size_t file, number;        /* those that come next */
    FILE *stream;               /* of the file, once it is open */
    struct buffer header, rest; /* its header line; what was read of it behind the last whole row */
    bool is_first;              /* no chunk of the file was given yet */
};

struct row_chunks *row_chunks_open(const struct lake_folder *folder)
{
    struct row_chunks *chunks = calloc(1, sizeof *chunks);
    if (chunks)
        chunks->folder = folder;
    return chunks;
}

static void close_file(struct row_chunks *chunks)
{
    if (chunks->stream)
        (void)fclose(chunks->stream);
    chunks->stream = NULL;
    buffer_clear(&chunks->header);
    buffer_clear(&chunks->rest);
}

void row_chunks_close(struct row_chunks *chunks)
{
    if (!chunks)
        return;
    close_file(chunks);
    buffer_clean_up(&chunks->header);
    buffer_clean_up(&chunks->rest);
    free(chunks);
}

/* --- Where rows end ---------------------------------------------------------------------------------------------- */

static size_t last_line_end(struct text bytes)
{
    const char *end = bytes.length ? memrchr(bytes.data, '\n', bytes.length) : NULL;
    return end ? (size_t)(end + 1 - bytes.data) : 0;
}

/* Behind the last line end that isn't in quotes, or behind the first one; `bytes` begin with a record. */
static size_t record_end(struct text bytes, bool wants_first)
{
    enum { FIELD_BEGINS, PLAIN, QUOTED, QUOTE_IN_QUOTED } state = FIELD_BEGINS;
    size_t end = 0;
    for (size_t i = 0; i < bytes.length; i++) {
        char c = bytes.data[i];
        if (state == QUOTED) {
            state = c == '"' ? QUOTE_IN_QUOTED : QUOTED;
        } else if (c == '"' && state != PLAIN) {
            state = QUOTED; /* a quote at the beginning of a field, or a doubled one */
        } else if (c == '\n') {
            state = FIELD_BEGINS;
            end = i + 1;
            if (wants_first)
                return end;
        } else {
            state = c == ',' ? FIELD_BEGINS : PLAIN;
        }
    }
    return end;
}

/* --- Files ------------------------------------------------------------------------------------------------------- */

static const struct lake_file *file_of(const struct row_chunks *chunks)
{
    return &chunks->folder->files[chunks->file];
}

static bool is_csv(const struct row_chunks *chunks)
{
    return file_of(chunks)->format == LAKE_CSV;
}

/* Reads about a chunk more behind what `bytes` has; nothing more at the file's end. */
static bool read_more(const struct row_chunks *chunks, struct buffer *bytes, bool *ret_end, struct error *error)
{
    if (!buffer_reserve(bytes, CHUNK_BYTES))
        return error_set(error, ERROR_INTERNAL, "out of memory");
    size_t taken = fread(bytes->data + bytes->length, 1, CHUNK_BYTES, chunks->stream);
    bytes->length += taken;
    *ret_end = taken < CHUNK_BYTES;
    return !ferror(chunks->stream) ||
           error_set(error, ERROR_UNAVAILABLE, "%s can't be read: %s", file_of(chunks)->path, strerror(errno));
}

/* Puts what lies behind `end` of the bytes away, for the next chunk. */
static void put_back(struct buffer *bytes, size_t end, struct buffer *rest)
{
    buffer_clear(rest);
    buffer_append(rest, bytes->data + end, bytes->length - end);
    bytes->length = end;
}

static bool take_header(struct row_chunks *chunks, struct error *error)
{
    bool is_end = false;
    size_t end = 0;
    while (!is_end && (end = record_end(buffer_text(&chunks->header), true)) == 0)
        if (!read_more(chunks, &chunks->header, &is_end, error))
            return false;
    if (end == 0)
        end = record_end(buffer_text(&chunks->header), true);
    put_back(&chunks->header, end ? end : chunks->header.length, &chunks->rest);
    return chunks->header.length > 0 ||
           error_set(error, ERROR_DATA, "%s has no header line: its first line names the columns",
                     file_of(chunks)->path);
}

static bool open_file(struct row_chunks *chunks, struct error *error)
{
    chunks->stream = fopen(file_of(chunks)->path, "re");
    chunks->is_first = true;
    if (!chunks->stream)
        return error_set(error, ERROR_DATA, "%s can't be read: %s", file_of(chunks)->path, strerror(errno));
    return !is_csv(chunks) || take_header(chunks, error);
}

/* The whole rows that come next in the open file; none behind the header at its end. */
static bool take_rows(struct row_chunks *chunks, struct buffer *bytes, struct error *error)
{
    bool is_end = false;
    buffer_clear(bytes);
    buffer_append_text(bytes, buffer_text(&chunks->header));
    buffer_append_text(bytes, buffer_text(&chunks->rest));
    buffer_clear(&chunks->rest);
    for (;;) {
        if (!read_more(chunks, bytes, &is_end, error))
            return false;
        if (is_end)
            return true;
        size_t end = is_csv(chunks) ? record_end(buffer_text(bytes), false) : last_line_end(buffer_text(bytes));
        if (end > chunks->header.length) {
            put_back(bytes, end, &chunks->rest);
            return !chunks->rest.failed || error_set(error, ERROR_INTERNAL, "out of memory");
        }
    }
}

bool row_chunks_next(struct row_chunks *chunks, struct row_chunk *chunk, bool *ret_end, struct error *error)
{
    for (; chunks->file < chunks->folder->count; chunks->file++) {
        if (!chunks->stream && !open_file(chunks, error))
            return false;
        if (!take_rows(chunks, &chunk->bytes, error))
            return false;
        bool has_rows = chunk->bytes.length > chunks->header.length || (is_csv(chunks) && chunks->is_first);
        chunks->is_first = false;
        if (has_rows) {
            chunk->file = chunks->file;
            chunk->number = chunks->number++;
            *ret_end = false;
            return true;
        }
        close_file(chunks);
    }
    *ret_end = true;
    return true;
}
