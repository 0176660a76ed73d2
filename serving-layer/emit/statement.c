/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/statement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/wide.h"

#define WATERMARK ", \"watermark\": "

const char *statement_mode(const struct sink *sink)
{
    return sink->appends ? "append" : "update";
}

void statement_clean_up(struct statement *statement)
{
    free(statement->offsets);
    *statement = (struct statement){0};
}

static void append_offsets(const struct statement *statement, struct buffer *out)
{
    const char *between = "";
    for (size_t i = 0; i < statement->partition_count; i++) {
        if (statement->offsets[i] < 0)
            continue;
        buffer_appendf(out, "%s\"%zu\": %" PRId64, between, i, statement->offsets[i]);
        between = ", ";
    }
}

/* As the provenance has it, which has it last; nothing where the view has none. */
static void append_watermark(struct text provenance, struct buffer *out)
{
    const char *found = memmem(provenance.data, provenance.length, WATERMARK, strlen(WATERMARK));
    if (found)
        buffer_append(out, found, provenance.length - (size_t)(found - provenance.data) - 1);
}

void statement_append(const struct sink *sink, const struct statement *statement, struct text provenance,
                      struct buffer *out)
{
    buffer_appendf(out,
                   "{\"number\": %" PRId64
                   ", \"view\": \"%s\", \"fingerprint\": \"%s\", \"mode\": \"%s\", \"rows\": %" PRId64
                   ", \"checksum\": \"%016" PRIx64 "\", \"epoch\": %" PRId64 ", \"offsets\": {",
                   statement->number, sink->view->name, sink->view->fingerprint, statement_mode(sink), statement->rows,
                   statement->checksum, statement->epoch);
    append_offsets(statement, out);
    buffer_append_char(out, '}');
    append_watermark(provenance, out);
    buffer_append_string(out, ", \"provenance\": ");
    buffer_append_text(out, provenance);
    buffer_append_char(out, '}');
}

/* Takes what has to stand here. */
static bool take(struct text *rest, const char *literal)
{
    size_t length = strlen(literal);
    if (rest->length < length || memcmp(rest->data, literal, length) != 0)
        return false;
    *rest = (struct text){rest->data + length, rest->length - length};
    return true;
}

/* Takes what stands before one of these characters, which is left. */
static struct text take_until(struct text *rest, const char *ends)
{
    struct text taken = {rest->data, 0};
    while (taken.length < rest->length && !strchr(ends, rest->data[taken.length]))
        taken.length++;
    *rest = (struct text){rest->data + taken.length, rest->length - taken.length};
    return taken;
}

static bool take_number(struct text *rest, int64_t *ret_number)
{
    return integer_parse(take_until(rest, ",}\": "), ret_number);
}

static bool take_text(struct text *rest, struct text *ret_text)
{
    *ret_text = take_until(rest, "\"");
    return take(rest, "\"");
}

static bool take_checksum(struct text *rest, uint64_t *ret_checksum)
{
    struct text digits;
    char text[17] = "", *end;
    if (!take_text(rest, &digits) || digits.length != sizeof text - 1)
        return false;
    memcpy(text, digits.data, sizeof text - 1);
    *ret_checksum = strtoull(text, &end, 16);
    return *end == '\0';
}

static bool state_offset(struct statement *statement, int64_t partition, int64_t offset)
{
    if (partition < 0 || partition >= PARTITIONS_MAX || offset < 0)
        return false;
    size_t count = (size_t)partition + 1;
    if (count > statement->partition_count) {
        int64_t *offsets = realloc(statement->offsets, count * sizeof *offsets);
        if (!offsets)
            return false;
        statement->offsets = offsets;
        while (statement->partition_count < count)
            offsets[statement->partition_count++] = -1;
    }
    statement->offsets[partition] = offset;
    return true;
}

/* What stands between the braces, and the last of them. */
static bool take_offsets(struct text *rest, struct statement *statement)
{
    int64_t partition, offset;
    while (take(rest, "\""))
        if (!take_number(rest, &partition) || !take(rest, "\": ") || !take_number(rest, &offset) ||
            !state_offset(statement, partition, offset) ||
            (!take(rest, ", ") && rest->length > 0 && *rest->data != '}'))
            return false;
    return take(rest, "}");
}

/* Earlier programs stated none of it but in the provenance. */
static bool pass_watermark(struct text *rest)
{
    if (take(rest, WATERMARK))
        take_until(rest, ",");
    return true;
}

bool statement_parse(struct text text, struct statement *ret_statement)
{
    struct statement statement = {0};
    bool done = take(&text, "{\"number\": ") && take_number(&text, &statement.number) && statement.number > 0 &&
                take(&text, ", \"view\": \"") && take_text(&text, &statement.view) &&
                take(&text, ", \"fingerprint\": \"") && take_text(&text, &statement.fingerprint) &&
                take(&text, ", \"mode\": \"") && take_text(&text, &statement.mode) && take(&text, ", \"rows\": ") &&
                take_number(&text, &statement.rows) && take(&text, ", \"checksum\": \"") &&
                take_checksum(&text, &statement.checksum) && take(&text, ", \"epoch\": ") &&
                take_number(&text, &statement.epoch) && take(&text, ", \"offsets\": {") &&
                take_offsets(&text, &statement) && pass_watermark(&text) && take(&text, ", \"provenance\": ");
    if (done)
        *ret_statement = statement;
    else
        statement_clean_up(&statement);
    return done;
}
