/* SPDX-License-Identifier: Apache-2.0 */
#include "config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"

/* Room kept, beside the path, for the line that counts what isn't shown. */
#define TAIL_SIZE 40

static bool is_plain(const char *at)
{
    return (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || *at == '_' ||
           *at == '-' || *at == '.' || *at == ' ';
}

/* No control character, of those in two bytes neither. */
static bool is_printable(const char *at)
{
    unsigned char byte = (unsigned char)*at;
    bool is_long_control = byte == 0xC2 && (unsigned char)at[1] < 0xA0;
    return byte >= ' ' && byte != 0x7F && !is_long_control;
}

static struct shown shown_if(struct text name, bool (*may_be_shown)(const char *at))
{
    struct shown shown = {""};
    if (name.length == 0 || name.length > SHOWN_NAME_MAX)
        return shown;
    for (size_t i = 0; i < name.length; i++)
        if (!may_be_shown(&name.data[i]))
            return shown;
    (void)snprintf(shown.text, sizeof shown.text, " \"%.*s\"", (int)name.length, name.data);
    return shown;
}

struct shown shown_name(struct text name)
{
    return shown_if(name, is_plain);
}

struct shown shown_reference(struct text name)
{
    return shown_if(name, is_printable);
}

/* What is repeated of the file may have line breaks, and a problem is one line. */
static void blank_control_characters(char *message)
{
    for (; *message; message++)
        if ((unsigned char)*message < ' ' || *message == 0x7F)
            *message = ' ';
}

void problem_add(struct problems *problems, struct location location, const char *format, ...)
{
    size_t number = problems->count++;
    if (number >= PROBLEMS_MAX)
        return;
    struct file_problem *problem = &problems->list[number];
    problem->location = location;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    blank_control_characters(problem->message);
}

static int compare_places(const void *left, const void *right)
{
    const struct location *a = &((const struct file_problem *)left)->location,
                          *b = &((const struct file_problem *)right)->location;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

static void append_line(struct buffer *out, const char *path, const struct file_problem *problem)
{
    buffer_appendf(out, "%s%s:%zu:%zu: %s", out->length ? "\n" : "", path, problem->location.line,
                   problem->location.column, problem->message);
}

/* The first line always, then whole lines while they fit. Returns how many problems are told. */
static size_t append_lines(struct buffer *out, const char *path, const struct problems *problems, size_t capacity)
{
    size_t kept = problems->count < PROBLEMS_MAX ? problems->count : PROBLEMS_MAX;
    append_line(out, path, &problems->list[0]);
    for (size_t number = 1; number < kept; number++) {
        struct buffer line = {0};
        append_line(&line, path, &problems->list[number]);
        bool fits = out->length + 1 + line.length < capacity;
        out->failed |= line.failed;
        if (fits) {
            buffer_append_char(out, '\n');
            buffer_append_text(out, buffer_text(&line));
        }
        buffer_clean_up(&line);
        if (!fits)
            return number;
    }
    return kept;
}

bool problems_report(struct problems *problems, const char *path, struct error *error)
{
    if (problems->memory_is_short)
        return error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    if (problems->count == 0)
        return true;
    size_t kept = problems->count < PROBLEMS_MAX ? problems->count : PROBLEMS_MAX;
    qsort(problems->list, kept, sizeof problems->list[0], compare_places);
    struct buffer text = {0};
    size_t tail = strlen(path) + TAIL_SIZE, capacity = sizeof error->message;
    size_t shown = append_lines(&text, path, problems, capacity > tail ? capacity - tail : 0);
    if (shown < problems->count)
        buffer_appendf(&text, "\n%s: %zu more", path, problems->count - shown);
    if (text.failed)
        error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    else
        error_set(error, ERROR_CONFIGURATION, "%s", buffer_string(&text));
    buffer_clean_up(&text);
    return false;
}
