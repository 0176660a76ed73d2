/* SPDX-License-Identifier: Apache-2.0
 * What is said of a partition's bad messages while they come: at most one line in ten seconds, with how many came since
 * the last one, where the last of them lies, and what is wrong with it. Whoever reads the log says the line. */
#ifndef TIDEMARK_RECORD_BAD_NOTICE_H
#define TIDEMARK_RECORD_BAD_NOTICE_H

#include "record/record.h"

#define BAD_NOTICE_EVERY_US INT64_C(10000000)
#define BAD_NOTICE_SIZE 400

/* Of one partition; all zero is none. */
struct bad_notice {
    int64_t count;         /* since the last line */
    struct rejection last; /* static texts, and the schema's */
    int64_t offset;        /* of the last one; its rejection stays when a line is said */
    int64_t said_us;       /* monotonic time of the last line; 0 before the first */
};

void bad_notice_add(struct bad_notice *notice, const struct rejection *rejection, int64_t offset);

/* "offset 17: amount: null": what is wrong with the last one; "" where there was none. */
void bad_notice_print_last(const struct bad_notice *notice, char ret_text[BAD_NOTICE_SIZE]);

/* True, with the line, where there are some and the last line is long enough ago; then the count begins anew. */
bool bad_notice_take(struct bad_notice *notice, const char *source, int32_t partition, int64_t now_us,
                     char ret_line[BAD_NOTICE_SIZE]);

#endif
