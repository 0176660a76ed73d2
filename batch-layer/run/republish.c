/* SPDX-License-Identifier: Apache-2.0 */
#include "run/republish.h"

#include <inttypes.h>
#include <stdlib.h>

#include "database/schema.h"
#include "run/batch_store.h"
#include "run/publish.h"

/* All of what is published, and no partition beyond. */
static void aim_at_cut(struct source_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        struct partition_state *partition = &run->partitions[i];
        if (!partition->published)
            continue;
        partition->cut = partition->begins;
        partition->begins = partition->first;
        partition->clock_us = partition->untimed_us = 0;
        count = i + 1;
    }
    run->partition_count = count;
    run->accepted_partitions = run->publication.accepted_partitions;
    run->opened_at_us = run->publication.opened_at_us;
    run->anew = true;
}

/* As if the epoch before were published, and nothing in it. */
static bool take_back(struct source_run *run, struct error *error)
{
    struct buffer sql = {0};
    static const char *const statements[] = {
        "delete from tidemark.touched t using tidemark.source s where s.name = t.source and t.epoch = s.epoch and "
        "s.name = ",
        "; update tidemark.source set epoch = epoch - 1 where name = ",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        buffer_append_string(&sql, statements[i]);
        buffer_append_literal(&sql, text_of(run->source->name));
    }
    bool done = batch_execute(run->batch, &sql, error);
    buffer_clean_up(&sql);
    run->publication.epoch--;
    run->publication.ledger = (struct ledger){0};
    return done;
}

bool republish(struct source_run *run, struct error *error)
{
    const struct batch_store_operations *store = run->batch->store;
    struct publishing publishing = {.run = run};
    aim_at_cut(run);
    publishing.ledgers = calloc(run->partition_count + 1, sizeof *publishing.ledgers);
    if (!publishing.ledgers)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = store->publish_begin(&publishing, error) && take_back(run, error) &&
                publishing_fill(&publishing, error) && store->publish_commit(&publishing, error);
    if (done)
        publishing_tell_refusals(&publishing, &run->unpublished);
    else
        store->roll_back(run->batch);
    for (size_t i = 0; i < VIEWS_MAX; i++)
        view_change_clean_up(&publishing.changes[i]);
    free(publishing.ledgers);
    return done;
}
