/* SPDX-License-Identifier: Apache-2.0 */
#include "record/bad_notice.h"

#include <inttypes.h>
#include <stdio.h>

void bad_notice_add(struct bad_notice *notice, const struct rejection *rejection, int64_t offset)
{
    notice->count++;
    notice->last = *rejection;
    notice->offset = offset;
}

void bad_notice_print_last(const struct bad_notice *notice, char ret_text[BAD_NOTICE_SIZE])
{
    const struct rejection *last = &notice->last;
    if (!last->reason)
        ret_text[0] = '\0';
    else
        (void)snprintf(ret_text, BAD_NOTICE_SIZE, "offset %" PRId64 ": %s%s%s", notice->offset, last->field,
                       *last->field ? ": " : "", last->reason);
}

bool bad_notice_take(struct bad_notice *notice, const char *source, int32_t partition, int64_t now_us,
                     char ret_line[BAD_NOTICE_SIZE])
{
    if (notice->count == 0 || (notice->said_us && now_us - notice->said_us < BAD_NOTICE_EVERY_US))
        return false;
    char last[BAD_NOTICE_SIZE];
    bad_notice_print_last(notice, last);
    (void)snprintf(ret_line, BAD_NOTICE_SIZE,
                   "%s/%d: %" PRId64
                   " bad message%s, the last at %.200s; see tidemark-batch dead-letters list --source %s",
                   source, (int)partition, notice->count, notice->count == 1 ? "" : "s", last, source);
    notice->count = 0;
    notice->said_us = now_us;
    return true;
}
