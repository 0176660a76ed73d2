/* SPDX-License-Identifier: Apache-2.0
 * The messages of a day below the published cut, and which versions of orders live, as one moment shows them: with the
 * epoch and the cut, and with how often the day had changed by then. */
#ifndef TIDEMARK_BATCH_DAY_MESSAGES_H
#define TIDEMARK_BATCH_DAY_MESSAGES_H

#include "database/changed_days.h"
#include "database/schema.h"
#include "postgres/copy_rows.h"

struct day_messages {
    const struct source *source;
    struct changed_day day;
    char epoch[24];    /* of what is published, in digits */
    struct buffer cut; /* JSON: {"0": 123}; owned */
    char *ends;        /* an array of PostgreSQL: of each partition where the cut is; owned */
    int64_t count;     /* how many messages the day has, among them some behind the cut */
};

/* Connects, and begins a transaction that shows this moment. ERROR_TRY_AGAIN where nothing of the source is published
 * yet, ERROR_CONFIGURATION where its dates are those of another time zone. */
bool day_messages_begin(struct batch *batch, const struct source *source, int64_t day,
                        struct day_messages *ret_messages, struct error *error) MUST_CHECK;
/* Gives `count` columns of the messages, of raw.<source> as r. */
bool day_messages_read(const struct day_messages *messages, struct batch *batch, const struct buffer *columns,
                       size_t count, struct copy_rows *ret_rows, struct error *error) MUST_CHECK;
/* Gives partition and offset of the versions that live among them; some of other days may be there too. */
bool day_messages_read_live(struct day_messages *messages, struct batch *batch, struct copy_rows *ret_rows,
                            struct error *error) MUST_CHECK;
/* Ends the transaction; also of one that failed to begin. */
void day_messages_end(struct day_messages *messages, struct batch *batch);

#endif
