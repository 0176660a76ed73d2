/* SPDX-License-Identifier: Apache-2.0 */
#include "run/republish.h"

#include "run/publish.h"

/* All of what is published, and no partition beyond. */
static void aim_at_cut(struct source_run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->partition_count; i++) {
        struct run_partition *partition = &run->partitions[i];
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
    run->recomputes_all = true;
}

bool republish(struct source_run *run, struct error *error)
{
    const struct publisher_operations *publisher = run->batch->publisher;
    struct publishing publishing;
    aim_at_cut(run);
    bool done = publishing_init(&publishing, run, error) && publisher->begin(&publishing, error) &&
                publisher->take_back(run, error) && publishing_fill(&publishing, error) &&
                publisher->commit(&publishing, error);
    if (done)
        publishing_tell_refusals(&publishing, &run->unpublished);
    else
        publisher->roll_back(run->batch);
    publishing_clean_up(&publishing);
    return done;
}
