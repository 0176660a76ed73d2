/* SPDX-License-Identifier: Apache-2.0 */
#include "http/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define SHOWN_MAX 64

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

int shown_length(const char *string)
{
    size_t length = strnlen(string, SHOWN_MAX + 1);
    if (length <= SHOWN_MAX)
        return (int)length;
    length = SHOWN_MAX;
    while (length && continues_character(string[length]))
        length--;
    return (int)length;
}

bool problem_set(struct problem *problem, unsigned status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(problem->detail, sizeof problem->detail, format, arguments);
    va_end(arguments);
    problem->status = status;
    size_t length = strlen(problem->detail);
    if (wanted < 0 || (size_t)wanted == length)
        return false;
    while (length && continues_character(problem->detail[length - 1])) /* the cut may be within a character */
        length--;
    problem->detail[length ? length - 1 : 0] = '\0';
    return false;
}

bool problem_memory(struct problem *problem)
{
    return problem_set(problem, 503, "memory is short");
}

const char *status_title(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {422, "Unprocessable Content"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

void problem_append(const struct problem *problem, struct buffer *out)
{
    buffer_appendf(out, "{\"type\": \"about:blank\", \"title\": \"%s\", \"status\": %u, \"detail\": ",
                   status_title(problem->status), problem->status);
    utf8_append_json(out, text_of(problem->detail));
    buffer_append_string(out, "}\n");
}
