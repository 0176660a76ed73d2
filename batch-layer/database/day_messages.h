/* SPDX-License-Identifier: Apache-2.0
 * The messages of a day below the published cut, and which versions of orders live, as one moment shows them: with the
 * epoch and the cut, and with how often the day had changed by then. */
#ifndef TIDEMARK_BATCH_DAY_MESSAGES_H
#define TIDEMARK_BATCH_DAY_MESSAGES_H

#include "database/changed_days.h"
#include "database/schema.h"

struct day_messages {
    const struct source *source;
    struct changed_day day;
    char epoch[24];    /* of what is published, in digits */
    struct buffer cut; /* JSON: {"0": 123}; owned */
};

/* Connects, and begins a transaction that shows this moment. ERROR_TRY_AGAIN where nothing of the source is published
 * yet, ERROR_CONFIGURATION where its dates are those of another time zone. */
bool day_messages_begin(struct batch *batch, const struct source *source, int64_t day,
                        struct day_messages *ret_messages, struct error *error) MUST_CHECK;
/* Gives the rows of these columns, of raw.<source> as r and of the live versions as c, in pieces. */
bool day_messages_fetch(const struct day_messages *messages, struct batch *batch, const struct buffer *columns,
                        rows_take *take, void *context, struct error *error) MUST_CHECK;
/* Ends the transaction; also of one that failed to begin. */
void day_messages_end(struct day_messages *messages, struct batch *batch);

#endif
