/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include "world.h"

#define DAY_S 86400

static struct oracle_row *row_of(struct oracle_answer *answer, int64_t window_s, int category)
{
    for (size_t i = 0; i < answer->count; i++)
        if (answer->rows[i].window_s == window_s && answer->rows[i].category == category)
            return &answer->rows[i];
    if (answer->count == ORACLE_ROWS)
        world_fail("the oracle has no room for more rows");
    answer->rows[answer->count] = (struct oracle_row){window_s, category, 0, 0, 0};
    return &answer->rows[answer->count++];
}

static void add(const struct oracle_question *question, const struct order_message *message,
                struct oracle_answer *answer)
{
    answer->live++;
    if (message->cancelled || (!question->takes_all_amounts && message->cents <= 0))
        return;
    int64_t at_s = message->event_us / 1000000;
    int64_t window_s = question->by_day ? at_s - at_s % DAY_S : at_s - at_s % 60;
    struct oracle_row *row = row_of(answer, window_s, question->by_day ? message->category : -1);
    row->count++;
    row->cents += message->cents;
    row->amounts |= ORACLE_AMOUNT(message->cents);
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
    ret_answer->consumed = ret_answer->bad = ret_answer->live = 0;
    for (int32_t i = 0; i < TOPIC_PARTITIONS; i++)
        if (!add_partition(question, i, ret_answer))
            return false;
    return true;
}
