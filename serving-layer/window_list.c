/* SPDX-License-Identifier: Apache-2.0 */
#include "window_list.h"

#include <stdio.h>

#define MINUTES_A_DAY 1440

static bool is_possible(const struct view *view, const char *text)
{
    struct view_question question;
    struct error error;
    question_init(&question, view);
    return question_set_window(&question, text_of(text), &error);
}

static void append(const char *text, bool *first, struct buffer *out)
{
    buffer_appendf(out, "%s\"%s\"", *first ? "" : ", ", text);
    *first = false;
}

/* "45 minutes", "6 hours", "1 day". */
static void print_minutes(int minutes, char text[32])
{
    if (minutes == MINUTES_A_DAY)
        snprintf(text, 32, "1 day");
    else if (minutes % 60 == 0)
        snprintf(text, 32, "%d hour%s", minutes / 60, minutes == 60 ? "" : "s");
    else
        snprintf(text, 32, "%d minute%s", minutes, minutes == 1 ? "" : "s");
}

void window_list_append(const struct view *view, struct buffer *out)
{
    static const char *const longer[] = {"1 week", "1 month", "1 year"};
    char text[32];
    bool first = true;
    buffer_append_char(out, '[');
    for (int minutes = 1; minutes <= MINUTES_A_DAY; minutes++) {
        if (MINUTES_A_DAY % minutes != 0)
            continue;
        print_minutes(minutes, text);
        if (is_possible(view, text))
            append(text, &first, out);
    }
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++)
        if (is_possible(view, longer[i]))
            append(longer[i], &first, out);
    buffer_append_char(out, ']');
}

void hop_list_append(const struct view *view, struct buffer *out)
{
    char hop[32], text[100];
    bool first = true;
    buffer_append_char(out, '[');
    for (int minutes = 1; minutes <= MINUTES_A_DAY; minutes++) {
        if (MINUTES_A_DAY % minutes != 0)
            continue;
        print_minutes(minutes, hop);
        if (minutes == MINUTES_A_DAY)
            snprintf(text, sizeof text, "hopping 2 days every %s", hop);
        else
            snprintf(text, sizeof text, "hopping %d minutes every %s", 2 * minutes, hop);
        if (is_possible(view, text))
            append(hop, &first, out);
    }
    if (view->window.hop_days) {
        snprintf(hop, sizeof hop, "%lld days", (long long)view->window.hop_days);
        append(hop, &first, out);
    }
    buffer_append_char(out, ']');
}
