/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/timestamp.h"
#include "base/utf8.h"

static const char *program_name = "tidemark";
static enum log_format format_used = LOG_FORMAT_TEXT;
static enum log_level lowest_level = LOG_LEVEL_INFO;

void log_configure(const char *program, enum log_format format, enum log_level lowest)
{
    program_name = program;
    format_used = format;
    lowest_level = lowest;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    return names[level];
}

/* Control characters would let a message forge a line, and a journal shows none that isn't UTF-8. */
static void append_plain(struct buffer *line, const char *message)
{
    for (struct text rest = text_of(message); rest.length > 0;) {
        size_t length = utf8_length(rest);
        if ((unsigned char)*rest.data >= 0x20 && *rest.data != 0x7f && length > 0)
            buffer_append(line, rest.data, length);
        else
            buffer_appendf(line, "\\x%02x", (unsigned char)*rest.data);
        rest.data += length ? length : 1;
        rest.length -= length ? length : 1;
    }
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level < lowest_level)
        return;
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    struct buffer line = {0};
    if (format_used == LOG_FORMAT_JSON) {
        buffer_append_string(&line, "{\"time\":\"");
        buffer_append_timestamp(&line, clock_wall_us());
        buffer_appendf(&line, "\",\"level\":\"%s\",\"program\":\"%s\",\"message\":", level_name(level), program_name);
        utf8_append_json(&line, text_of(message));
        buffer_append_string(&line, "}\n");
    } else {
        buffer_append_timestamp(&line, clock_wall_us());
        buffer_appendf(&line, " %s %s: ", program_name, level_name(level));
        append_plain(&line, message);
        buffer_append_char(&line, '\n');
    }
    if (!line.failed && write(STDERR_FILENO, line.data, line.length) < 0)
        line.failed = true; /* nowhere to say it */
    buffer_clean_up(&line);
}
