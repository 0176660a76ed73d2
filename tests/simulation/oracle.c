/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "world.h"

static struct oracle_row *row_of(struct oracle_answer *answer, int64_t start_us, int64_t end_us, int category)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->rows[i].start_us == start_us && answer->rows[i].category == category)
            return &answer->rows[i];
    if (answer->count == ORACLE_ROWS)
        world_fail("the oracle has no room for more rows");
    answer->rows[answer->count] = (struct oracle_row){start_us, end_us, category, 0, 0, 0};
    return &answer->rows[answer->count++];
}

static void add_to(struct oracle_row *row, const struct order_message *message)
{
    row->count++;
    row->cents += message->cents;
    row->amounts |= ORACLE_AMOUNT(message->cents);
}

static bool is_in_range(const struct oracle_question *question, int64_t start_us)
{
    return start_us >= question->from_us && start_us < question->to_us;
}

static int category_of(const struct oracle_question *question, const struct order_message *message)
{
    return question->by_category ? message->category : ORACLE_ALL_CATEGORIES;
}

static void add_to_windows(const struct oracle_question *question, const struct order_message *message,
                           struct oracle_answer *answer)
{
    int64_t start_us = message->event_us - message->event_us % question->pane_us;
    for (int64_t i = 0; i < question->panes; i++, start_us -= question->pane_us)
        if (is_in_range(question, start_us))
            add_to(row_of(answer, start_us, start_us + question->panes * question->pane_us,
                          category_of(question, message)),
                   message);
}

/* Versions that count, of which sessions are made. */
static struct {
    const struct order_message *messages[TOPIC_PARTITIONS * TOPIC_OFFSETS];
    size_t count;
} counted;

static int compare_moments(const void *left, const void *right)
{
    const struct order_message *a = *(const struct order_message *const *)left,
                               *b = *(const struct order_message *const *)right;
    return (a->event_us > b->event_us) - (a->event_us < b->event_us);
}

static void add_sessions(const struct oracle_question *question, int category, struct oracle_answer *answer)
{
    struct oracle_row session = {0};
    for (size_t i = 0; i < counted.count; i++) {
        const struct order_message *message = counted.messages[i];
        if (category_of(question, message) != category)
            continue;
        if (session.count == 0 || message->event_us > session.end_us) {
            if (session.count > 0 && is_in_range(question, session.start_us))
                *row_of(answer, session.start_us, session.end_us, category) = session;
            session = (struct oracle_row){.start_us = message->event_us, .category = category};
        }
        session.end_us = message->event_us + question->gap_us;
        add_to(&session, message);
    }
    if (session.count > 0 && is_in_range(question, session.start_us))
        *row_of(answer, session.start_us, session.end_us, category) = session;
}

static void add_all_sessions(const struct oracle_question *question, struct oracle_answer *answer)
{
    qsort(counted.messages, counted.count, sizeof counted.messages[0], compare_moments);
    if (!question->by_category)
        add_sessions(question, ORACLE_ALL_CATEGORIES, answer);
    for (int category = 0; question->by_category && category < TOPIC_CATEGORIES; category++)
        add_sessions(question, category, answer);
}

static bool counts(const struct oracle_question *question, const struct order_message *message)
{
    return !message->cancelled && (question->takes_all_amounts || message->cents > 0);
}

static void add(const struct oracle_question *question, const struct order_message *message,
                struct oracle_answer *answer)
{
    answer->live++;
    if (!counts(question, message))
        return;
    if (question->gap_us > 0)
        counted.messages[counted.count++] = message;
    else
        add_to_windows(question, message, answer);
}

/* What a session waits for it may still get at the very end of its gap. */
static bool is_late(const struct oracle_question *question, const struct order_message *message, int64_t clock_us)
{
    bool is_session = question->waits_for_us < 0;
    int64_t end_us = is_session
                         ? message->event_us - question->waits_for_us + 1
                         : message->event_us - message->event_us % question->waits_for_us + question->waits_for_us;
    return clock_us > 0 && counts(question, message) && end_us <= clock_us - question->wait_us;
}

static void follow_clock(const struct order_message *message, int32_t partition, struct oracle_answer *answer)
{
    int64_t at_us = topic_message_clock_us(message);
    answer->clock_us = at_us > answer->clock_us ? at_us : answer->clock_us;
    answer->clocks_us[partition] = at_us > answer->clocks_us[partition] ? at_us : answer->clocks_us[partition];
}

static bool was_lost(const struct oracle_question *question, int32_t partition, int64_t offset)
{
    const struct database_losses *losses = question->losses;
    for (int i = 0; losses && i < losses->gap_count[partition]; i++)
        if (offset >= losses->gaps[partition][i].range.from && offset < losses->gaps[partition][i].range.to)
            return true;
    return false;
}

static bool add_partition(const struct oracle_question *question, int32_t partition, struct oracle_answer *answer)
{
    const struct order_message *kept[TOPIC_ORDERS] = {0};
    for (int64_t offset = question->from[partition]; offset < question->to[partition]; offset++) {
        const struct order_message *message =
            topic_message_of(question->topic, partition, offset, question->lost[partition]);
        if (!message)
            return false;
        if (message->hole || was_lost(question, partition, offset))
            continue;
        answer->consumed++;
        answer->bad += message->bad;
        if (message->bad)
            continue;
        bool is_kept = !question->keeps_first || !question->has_versions || !kept[message->order];
        answer->late += question->wait_us > 0 && is_kept && is_late(question, message, answer->clocks_us[partition]);
        follow_clock(message, partition, answer);
        if (!question->has_versions)
            add(question, message, answer);
        else if (!kept[message->order] || !question->keeps_first)
            kept[message->order] = message;
    }
    for (int order = 0; order < TOPIC_ORDERS; order++)
        if (kept[order])
            add(question, kept[order], answer);
    return true;
}

bool oracle_answer(const struct oracle_question *question, struct oracle_answer *ret_answer)
{
    ret_answer->count = 0;
    ret_answer->consumed = ret_answer->bad = ret_answer->live = ret_answer->clock_us = ret_answer->late = 0;
    memset(ret_answer->clocks_us, 0, sizeof ret_answer->clocks_us);
    counted.count = 0;
    for (int32_t i = 0; i < TOPIC_PARTITIONS; i++)
        if (!add_partition(question, i, ret_answer))
            return false;
    if (question->gap_us > 0)
        add_all_sessions(question, ret_answer);
    return true;
}
