/* SPDX-License-Identifier: Apache-2.0 */
#include "view/question.h"

#include "base/clock.h"
#include "base/spelling.h"

#define SHOWN_MAX 80 /* bytes of what was asked that an error repeats */

static int shown(struct text text)
{
    return text.length > SHOWN_MAX ? SHOWN_MAX : (int)text.length;
}

static int64_t panes_of_rows(const struct view *view)
{
    return view_hops(view) ? view->panes : 1;
}

void question_init(struct view_question *question, const struct view *view)
{
    *question = (struct view_question){.view = view, .rows = *view, .panes = panes_of_rows(view)};
    for (size_t i = 0; i < view->dimension_count; i++)
        question->kept[i] = i;
}

void question_of_members(const struct view_question *question, const struct view *hidden,
                         struct view_question *ret_question)
{
    question_init(ret_question, hidden);
    struct view *rows = &ret_question->rows;
    size_t count = question->rows.dimension_count, last = hidden->dimension_count - 1;
    memcpy(rows->dimensions, question->rows.dimensions, count * sizeof rows->dimensions[0]);
    memcpy(ret_question->kept, question->kept, count * sizeof ret_question->kept[0]);
    rows->dimensions[count] = hidden->dimensions[last];
    ret_question->kept[count] = last;
    rows->dimension_count = count + 1;
    rows->window = question->rows.window;
    ret_question->panes = question->panes;
}

bool question_is_plain(const struct view_question *question)
{
    return question->panes == 1 && !view_is_of_sessions(question->view) &&
           window_equal(&question->rows.window, &question->view->window) &&
           question->rows.dimension_count == question->view->dimension_count && question->order_count == 0 &&
           question->per_window == 0;
}

bool question_has_other_windows(const struct view_question *question)
{
    const struct view *view = question->view;
    return question->panes != panes_of_rows(view) || !window_equal(&question->rows.window, &view->window);
}

int64_t question_first_start_us(const struct view_question *question, int64_t pane_start_us)
{
    const struct view *rows = &question->rows;
    int64_t start_us = window_start_us(&rows->window, rows->zone, pane_start_us);
    for (int64_t left = question->panes; left > 1; left--)
        start_us = window_start_us(&rows->window, rows->zone, start_us - 1);
    return start_us;
}

/* --- the window --- */

/* Whether every such window is made of whole panes. */
static bool makes_up(const struct window *pane, const struct window *window)
{
    if (!window_is_of_days(window))
        return !window_is_of_days(pane) && window->length_s % pane->length_s == 0;
    if (pane->hop_days)
        return window->hop_days % pane->hop_days == 0 && window->hop_days;
    return pane->length_s <= SECONDS_PER_DAY || window_equal(pane, window) ||
           (pane->length_s == WINDOW_MONTH_S && window->length_s == WINDOW_YEAR_S && !window->hop_days);
}

static void append_possible(const struct view *view, struct buffer *out)
{
    buffer_append_string(out, "possible are ");
    if (view->window.length_s < SECONDS_PER_DAY) {
        buffer_append_string(out, "multiples of \"");
        window_print(&view->window, out);
        buffer_append_string(out, "\" that divide a day, ");
    }
    if (view->window.length_s <= SECONDS_PER_DAY)
        buffer_append_string(out, "\"1 day\", \"1 week\", \"1 month\", \"1 year\", and hopping windows of them");
    else if (view->window.hop_days)
        buffer_appendf(out, "windows that hop by multiples of %lld days", (long long)view->window.hop_days);
    else if (view->window.length_s == WINDOW_MONTH_S)
        buffer_append_string(out, "\"1 month\" and \"1 year\"");
    else
        window_print(&view->window, out);
}

static bool refuse_window(const struct view *view, struct text text, struct error *error)
{
    struct buffer panes = {0}, possible = {0};
    window_print(&view->window, &panes);
    append_possible(view, &possible);
    bool memory_is_short = panes.failed || possible.failed;
    error_set(error, ERROR_USAGE, "window \"%.*s\" isn't made of whole windows of this view, which are \"%s\": %s",
              shown(text), text.data, buffer_string(&panes), buffer_string(&possible));
    buffer_clean_up(&panes);
    buffer_clean_up(&possible);
    return memory_is_short ? error_set(error, ERROR_INTERNAL, "memory is short") : false;
}

/* What is wrong in a file is wrong use in a request. */
static bool refuse_words(struct error *error)
{
    error->code = error->code == ERROR_INTERNAL ? ERROR_INTERNAL : ERROR_USAGE;
    return false;
}

static bool refuse_of_sessions(const struct view *view, struct error *error)
{
    struct buffer rows = {0};
    window_print_asked(&view->window, view->panes, &rows);
    bool memory_is_short = rows.failed;
    error_set(error, ERROR_USAGE,
              "window can't be asked of a view whose rows are sessions (\"%s\"): possible are group_by, order and "
              "per_window",
              buffer_string(&rows));
    buffer_clean_up(&rows);
    return memory_is_short ? error_set(error, ERROR_INTERNAL, "memory is short") : false;
}

bool question_set_window(struct view_question *question, struct text text, struct error *error)
{
    struct window window;
    int64_t panes;
    if (view_is_of_sessions(question->view))
        return refuse_of_sessions(question->view, error);
    if (!window_parse_asked(text, &window, &panes, error))
        return refuse_words(error);
    const struct view *view = question->view;
    if (!makes_up(&view->window, &window))
        return refuse_window(view, text, error);
    if (panes > 1 && !window_check_hop(text, &window, view->zone, error))
        return refuse_words(error);
    question->rows.window = window;
    question->panes = panes;
    return true;
}

/* --- lists of names --- */

/* Takes the next name of a list, up to a comma. False where none is left. */
static bool take_name(struct text *rest, struct text *ret_name)
{
    if (!rest->data)
        return false;
    const char *comma = rest->length ? memchr(rest->data, ',', rest->length) : NULL;
    size_t length = comma ? (size_t)(comma - rest->data) : rest->length;
    *ret_name = (struct text){rest->data, length};
    *rest = comma ? (struct text){comma + 1, rest->length - length - 1} : (struct text){0};
    return true;
}

static const char *dimension_name(const struct view *view, size_t number)
{
    return view->schema->fields[view->dimensions[number]].name;
}

/* The dimension of this name, or SIZE_MAX. */
static size_t find_dimension(const struct view *view, struct text name)
{
    for (size_t i = 0; i < view->dimension_count; i++)
        if (text_equal(name, text_of(dimension_name(view, i))))
            return i;
    return SIZE_MAX;
}

static bool refuse_name(const char *parameter, struct text name, const char *const names[], size_t count,
                        const char *whose, struct error *error)
{
    char copy[SHOWN_MAX + 1];
    memcpy(copy, name.data, (size_t)shown(name));
    copy[shown(name)] = '\0';
    const char *near = nearest_word(copy, names, count);
    if (near)
        return error_set(error, ERROR_USAGE, "%s: \"%s\" is no %s; did you mean \"%s\"?", parameter, copy, whose, near);
    struct buffer possible = {0};
    for (size_t i = 0; i < count; i++)
        buffer_appendf(&possible, "%s%s", i ? ", " : "; possible are ", names[i]);
    error_set(error, ERROR_USAGE, "%s: \"%s\" is no %s%s", parameter, copy, whose, buffer_string(&possible));
    bool memory_is_short = possible.failed;
    buffer_clean_up(&possible);
    return memory_is_short ? error_set(error, ERROR_INTERNAL, "memory is short") : false;
}

static void keep(struct view_question *question, const bool kept[])
{
    const struct view *view = question->view;
    size_t count = 0;
    for (size_t i = 0; i < view->dimension_count; i++) {
        if (!kept[i])
            continue;
        question->kept[count] = i;
        question->rows.dimensions[count++] = view->dimensions[i];
    }
    question->rows.dimension_count = count;
}

bool question_set_group_by(struct view_question *question, struct text text, struct error *error)
{
    const struct view *view = question->view;
    const char *names[DIMENSIONS_MAX];
    bool kept[DIMENSIONS_MAX] = {false};
    for (size_t i = 0; i < view->dimension_count; i++)
        names[i] = dimension_name(view, i);
    struct text rest = text, name;
    while (text.length > 0 && take_name(&rest, &name)) {
        size_t number = find_dimension(view, name);
        if (number == SIZE_MAX)
            return refuse_name("group_by", name, names, view->dimension_count, "dimension of this view", error);
        if (kept[number])
            return error_set(error, ERROR_USAGE, "group_by names \"%s\" twice", names[number]);
        kept[number] = true;
    }
    keep(question, kept);
    return true;
}

static bool find_order(const struct view *rows, struct text name, struct order_key *ret_key)
{
    size_t dimension = find_dimension(rows, name);
    *ret_key = (struct order_key){.kind = ORDER_DIMENSION, .number = dimension};
    if (dimension != SIZE_MAX)
        return true;
    for (size_t i = 0; i < rows->measure_count; i++) {
        if (text_equal(name, text_of(rows->measures[i].name))) {
            *ret_key = (struct order_key){.kind = ORDER_MEASURE, .number = i};
            return true;
        }
    }
    *ret_key = (struct order_key){.kind = ORDER_WINDOW};
    return text_equal(name, text_of("window_start"));
}

static bool refuse_order(const struct view *rows, struct text name, struct error *error)
{
    const char *names[ORDER_KEYS_MAX] = {"window_start"};
    size_t count = 1;
    for (size_t i = 0; i < rows->dimension_count; i++)
        names[count++] = dimension_name(rows, i);
    for (size_t i = 0; i < rows->measure_count; i++)
        names[count++] = rows->measures[i].name;
    return refuse_name("order", name, names, count, "measure or dimension of the rows", error);
}

static bool is_ordered_by(const struct view_question *question, const struct order_key *key)
{
    for (size_t i = 0; i < question->order_count; i++)
        if (question->order[i].kind == key->kind && question->order[i].number == key->number)
            return true;
    return false;
}

bool question_set_order(struct view_question *question, struct text text, struct error *error)
{
    struct text rest = text, name;
    question->order_count = 0;
    while (take_name(&rest, &name)) {
        struct order_key key;
        bool descends = name.length > 0 && name.data[0] == '-';
        struct text plain = {name.data + descends, name.length - descends};
        if (!find_order(&question->rows, plain, &key))
            return refuse_order(&question->rows, plain, error);
        if (is_ordered_by(question, &key))
            return error_set(error, ERROR_USAGE, "order names \"%.*s\" twice", shown(plain), plain.data);
        key.descends = descends;
        question->order[question->order_count++] = key;
    }
    return true;
}

bool question_set_per_window(struct view_question *question, struct text text, struct error *error)
{
    if (!integer_parse(text, &question->per_window) || question->per_window < 1)
        return error_set(error, ERROR_USAGE, "per_window must be a number of rows, 1 or more, not \"%.*s\"",
                         shown(text), text.data);
    return true;
}
