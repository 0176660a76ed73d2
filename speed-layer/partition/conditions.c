/* SPDX-License-Identifier: Apache-2.0 */
#include "partition/conditions.h"

/* What is the same text is the same condition; where memory is short each is its own. */
static void print(const struct view *view, struct buffer *out)
{
    if (view->where)
        expression_print_sql(view->where, view->schema, "", out);
    if (view->shown)
        buffer_appendf(out, " and field %zu", member_field(view));
}

void conditions_find(struct conditions *conditions, const struct source *source)
{
    struct buffer forms[VIEWS_MAX] = {{0}};
    *conditions = (struct conditions){.source = source};
    for (size_t i = 0; i < source->view_count; i++) {
        struct buffer *form = &forms[conditions->count];
        size_t same = 0;
        print(&source->views[i], form);
        while (same < conditions->count &&
               (form->failed || forms[same].failed || !text_equal(buffer_text(&forms[same]), buffer_text(form))))
            same++;
        conditions->of_view[i] = same;
        if (same < conditions->count)
            buffer_clear(form);
        else
            conditions->view[conditions->count++] = i;
    }
    for (size_t i = 0; i < source->view_count; i++)
        buffer_clean_up(&forms[i]);
}

uint64_t conditions_judge(const struct conditions *conditions, const struct record *record)
{
    uint64_t judged = 0;
    for (size_t i = 0; i < conditions->count; i++)
        judged |= (uint64_t)view_counts(&conditions->source->views[conditions->view[i]], record) << i;
    return judged;
}
