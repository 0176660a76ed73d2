/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/dead_letters.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"

#define BYTES_MAX ((size_t)8 << 20) /* of letters that wait, a partition */
#define REST 4                      /* writing letters takes at most one part in so many and one of the time */
#define REST_MAX_US (2 * US_PER_SECOND)

static bool has_dead_letters(const struct dead_letters *letters, const struct partition *partition)
{
    return letters->store && partition->source->dead_letter && partition->ledger.bad > 0;
}

void dead_letters_send(struct dead_letters *letters, struct partition_dead_letters *sent,
                       const struct partition *partition, const struct log_message *message,
                       const struct rejection *rejection)
{
    if (!letters->store || !partition->source->dead_letter)
        return;
    const struct dead_letter letter = {.source = partition->source,
                                       .partition = partition->id.partition,
                                       .message = message,
                                       .field = rejection->field,
                                       .reason = rejection->reason};
    struct error error = {0};
    sent->bytes += message->key.length + message->payload.length;
    if (letters->store->operations->send(letters->store, &letter, &error))
        return;
    log_error("%s/%d: dead letter: %s", partition->id.source, (int)partition->id.partition, error.message);
    sent->failed = true;
}

bool dead_letters_are_full(const struct partition_dead_letters *sent)
{
    return sent->bytes >= BYTES_MAX;
}

bool dead_letters_must_wait(const struct dead_letters *letters, const struct partition *partition, int64_t now_us)
{
    return now_us < letters->due_us && has_dead_letters(letters, partition);
}

static void rest(struct dead_letters *letters, int64_t begun_us, int64_t now_us)
{
    int64_t rest_us = REST * (now_us - begun_us);
    letters->due_us = now_us + (rest_us < REST_MAX_US ? rest_us : REST_MAX_US);
}

static void failed(struct dead_letters *letters, struct partition_dead_letters *sent, const struct partition *partition,
                   const struct error *error, int64_t now_us)
{
    if (sent->retry.attempts % 10 == 0)
        log_write(error_is_retriable(error) ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                  "%s/%d waits, for its bad messages can't be kept: %s", partition->id.source,
                  (int)partition->id.partition, error->message);
    retry_failed(&sent->retry, now_us);
    if (error->code == ERROR_UNAVAILABLE)
        retry_failed(&letters->retry, now_us);
}

bool dead_letters_keep(struct dead_letters *letters, struct partition_dead_letters *sent,
                       const struct partition *partition)
{
    if (!has_dead_letters(letters, partition))
        return true;
    int64_t begun_us = clock_monotonic_us();
    if (sent->failed || retry_wait_us(&letters->retry, begun_us) > 0) {
        retry_failed(&sent->retry, begun_us);
        return false;
    }
    struct error error = {0};
    bool kept = letters->store->operations->keep(letters->store, partition->source, partition->id.partition,
                                                 partition->position, &error);
    int64_t now_us = clock_monotonic_us();
    rest(letters, begun_us, now_us);
    sent->bytes = 0;
    if (!kept) {
        failed(letters, sent, partition, &error, now_us);
        return false;
    }
    crash_point("after_letters");
    if (sent->retry.attempts > 0)
        log_info("%s/%d: bad messages are kept again", partition->id.source, (int)partition->id.partition);
    retry_succeeded(&sent->retry);
    retry_succeeded(&letters->retry);
    return true;
}

int64_t dead_letters_wait_us(const struct dead_letters *letters, const struct partition_dead_letters *sent,
                             int64_t now_us)
{
    int64_t own_us = retry_wait_us(&sent->retry, now_us);
    int64_t store_us = retry_wait_us(&letters->retry, now_us);
    return sent->retry.attempts && store_us > own_us ? store_us : own_us;
}

void dead_letters_forget(struct dead_letters *letters, struct partition_dead_letters *sent,
                         const struct partition *partition)
{
    sent->bytes = 0;
    sent->failed = false;
    if (letters->store && partition->source->dead_letter)
        letters->store->operations->forget(letters->store, partition->source, partition->id.partition);
}
