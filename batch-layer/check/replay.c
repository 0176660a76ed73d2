/* SPDX-License-Identifier: Apache-2.0 */
#include "check/replay.h"

#include <inttypes.h>
#include <stdio.h>

#include "check/master_check.h"
#include "check/published_check.h"
#include "master/master.h"
#include "publication/publisher.h"
#include "run/republish.h"

static bool refuse_other_messages(const struct master_check *check, struct error *error)
{
    return check->edited == 0 ||
           error_set(error, ERROR_DATA,
                     "source %s: partition %d: at %" PRId64 " offsets the log and the master dataset hold different "
                     "messages, at %" PRId64 " %s: nothing was changed; where the log is right, tidemark-batch repair "
                     "takes them from it",
                     check->run->source->name, (int)check->partition->number, check->edited, check->first_edited,
                     buffer_string(&check->first_both));
}

/* Messages that neither holds can't be replayed. */
static bool refuse_lost(const struct master_check *check, struct error *error)
{
    int64_t held;
    const struct source_run *run = check->run;
    const struct run_partition *partition = check->partition;
    if (!run->batch->master->count(run->batch, run->source, partition->number, partition->ingested, &held, error))
        return false;
    return held + check->missing == partition->held ||
           error_set(error, ERROR_DATA,
                     "source %s: partition %d: %" PRId64 " messages were ingested, and log and master dataset hold "
                     "%" PRId64 ": nothing was changed; tidemark-batch repair says which",
                     run->source->name, (int)partition->number, partition->held, held + check->missing);
}

/* Every partition is looked at before the first is changed. */
static bool for_each_partition(struct source_run *run, bool mends, int64_t *ret_missing, struct error *error)
{
    bool done = true;
    for (size_t i = 0; done && i < run->partition_count; i++) {
        struct master_check check = {.run = run, .partition = &run->partitions[i]};
        if (!check.partition->recorded)
            continue;
        done = master_check(&check, error) && refuse_other_messages(&check, error) && refuse_lost(&check, error) &&
               (!mends || check.missing == 0 || master_mend(&check, error));
        *ret_missing += check.missing;
        master_check_clean_up(&check);
    }
    return done;
}

static bool put_in_place(struct source_run *run, const struct error *difference, struct error *error)
{
    int64_t epoch = run->publication.epoch;
    if (difference->code == ERROR_NONE) {
        printf("source %s: all is as its messages give it, at epoch %" PRId64 "\n", run->source->name, epoch);
        return true;
    }
    printf("source %s: %s\n", run->source->name, difference->message);
    if (!republish(run, error))
        return false;
    printf("source %s: what its messages give is put in place, at epoch %" PRId64 "\n", run->source->name, epoch);
    return true;
}

static bool replay(struct source_run *run, struct error *error)
{
    struct error difference = {0};
    int64_t missing = 0, again = 0;
    if (!for_each_partition(run, false, &missing, error) ||
        (missing > 0 && !for_each_partition(run, true, &again, error)))
        return false;
    if (missing > 0)
        printf("source %s: %" PRId64 " messages are back in the master dataset from the log\n", run->source->name,
               missing);
    if (run->publication.epoch == 0) {
        printf("source %s: nothing is published yet\n", run->source->name);
        return true;
    }
    return published_check(run, &difference, error) && put_in_place(run, &difference, error);
}

bool replay_source(struct batch *batch, const struct source *source, struct error *error)
{
    struct source_run run;
    if (!batch->publisher->lock(batch, source, error))
        return false;
    bool done = source_run_begin(&run, batch, source, "replay", error) && replay(&run, error);
    struct error unpublished = run.unpublished;
    source_run_end(&run, "replayed", done ? NULL : error);
    batch->publisher->unlock(batch, source);
    if (done && unpublished.code != ERROR_NONE)
        *error = unpublished;
    return done && unpublished.code == ERROR_NONE;
}
