/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/reply_limit.h"

static void *create_limited_array(const redisReadTask *task, int elements)
{
    struct reply_limit *limit = task->privdata;
    if (elements <= REPLY_ELEMENTS_MAX)
        return limit->create_array(task, elements);
    limit->exceeded = true;
    return NULL;
}

void reply_limit_set(struct reply_limit *limit, redisReader *reader)
{
    *limit = (struct reply_limit){.functions = *reader->fn, .create_array = reader->fn->createArray};
    limit->functions.createArray = create_limited_array;
    reader->fn = &limit->functions;
    reader->privdata = limit;
}
