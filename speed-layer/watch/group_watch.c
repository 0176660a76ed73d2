/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/group_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/shutdown.h"
#include "base/ticker.h"
#include "kafka/group.h"

#define FIRST_US US_PER_SECOND         /* from a new sharing out to the first look */
#define OFTEN_US (3 * US_PER_SECOND)   /* from one look to the next, for a while */
#define WHILE_US (30 * US_PER_SECOND)  /* so long */
#define SELDOM_US (60 * US_PER_SECOND) /* and then */
#define SHOWN_MAX 20                   /* partitions of a member that are named */

struct group_watch {
    const struct settings *settings;
    const struct kafka_access *access;
    struct consumer_group *group;
    struct ticker ticker;
    struct buffer told;   /* what was said last */
    pthread_mutex_t lock; /* of what follows */
    struct foreign_partition *foreign;
    size_t foreign_count;
    int64_t regrouped_us, next_us; /* monotonic */
};

static void set_foreign(struct group_watch *watch, struct foreign_partition *foreign, size_t count)
{
    pthread_mutex_lock(&watch->lock);
    free(watch->foreign);
    watch->foreign = foreign;
    watch->foreign_count = count;
    pthread_mutex_unlock(&watch->lock);
}

/* The source that follows this topic, or SIZE_MAX. */
static size_t source_of(const struct settings *settings, const char *topic)
{
    for (size_t i = 0; i < settings->source_count; i++)
        if (strcmp(settings->sources[i].topic, topic) == 0)
            return i;
    return SIZE_MAX;
}

static void note(const struct group_watch *watch, const struct group_member *member, struct foreign_partition foreign[],
                 size_t *count)
{
    for (size_t i = 0; i < member->partition_count; i++) {
        size_t source = source_of(watch->settings, member->partitions[i].topic);
        if (source == SIZE_MAX)
            continue;
        foreign[(*count)++] = (struct foreign_partition){source, member->partitions[i].partition};
    }
}

/* A line for each source of which the member has partitions. */
static void describe(const struct group_watch *watch, const struct group_member *member, struct buffer *out)
{
    for (size_t source = 0; source < watch->settings->source_count; source++) {
        const struct source *ours = &watch->settings->sources[source];
        size_t count = 0;
        struct buffer list = {0};
        for (size_t i = 0; i < member->partition_count; i++)
            if (strcmp(member->partitions[i].topic, ours->topic) == 0 && count++ < SHOWN_MAX)
                buffer_appendf(&list, "%s%d", count > 1 ? ", " : "", (int)member->partitions[i].partition);
        if (count > 0)
            buffer_appendf(out,
                           "source %s: a foreign member of the consumer group %s reads partition%s %s%s: client id %s, "
                           "host %s. Another installation has the same group, and what it reads is missing here: give "
                           "each its own kafka.group\n",
                           ours->name, watch->access->group, count > 1 ? "s" : "", buffer_string(&list),
                           count > SHOWN_MAX ? ", …" : "", member->client_id, member->host);
        buffer_clean_up(&list);
    }
}

/* Says the lines where they are others than last time, and keeps them. */
static void say(struct group_watch *watch, struct buffer *text)
{
    if (text->failed || text_equal(buffer_text(text), buffer_text(&watch->told)))
        return;
    for (const char *line = buffer_string(text); *line;) {
        size_t length = strcspn(line, "\n");
        log_error("%.*s", (int)length, line);
        line += length + 1;
    }
    if (text->length == 0)
        log_info("the consumer group %s has no foreign member any more", watch->access->group);
    struct buffer old = watch->told;
    watch->told = *text;
    *text = old;
}

static size_t partitions_of(const struct group_members *members)
{
    size_t count = 0;
    for (size_t i = 0; i < members->count; i++)
        count += members->members[i].partition_count;
    return count;
}

static void take(struct group_watch *watch, const struct group_members *members)
{
    struct foreign_partition *foreign = calloc(partitions_of(members) + 1, sizeof *foreign);
    const char *own = kafka_client_id(watch->access);
    struct buffer text = {0};
    size_t count = 0;
    for (size_t i = 0; foreign && i < members->count; i++)
        if (readers_is_foreign(members->members[i].client_id, own)) {
            note(watch, &members->members[i], foreign, &count);
            describe(watch, &members->members[i], &text);
        }
    if (foreign) {
        set_foreign(watch, foreign, count);
        say(watch, &text);
    }
    buffer_clean_up(&text);
}

/* False where it is to be asked again soon. */
static bool look(struct group_watch *watch)
{
    struct group_members members = {0};
    struct error error = {0};
    if (!watch->group->operations->members(watch->group, &members, &error)) {
        log_debug("%s", error.message);
        return true;
    }
    bool is_settled = members.is_settled;
    if (is_settled)
        take(watch, &members);
    group_members_clean_up(&members);
    return is_settled;
}

/* When the next look is due. One after a new sharing out is soon, and so is one that found the group in the middle of
 * it. */
static int64_t look_if_due(struct group_watch *watch)
{
    int64_t now_us = clock_monotonic_us();
    pthread_mutex_lock(&watch->lock);
    bool is_due = now_us >= watch->next_us;
    if (is_due)
        watch->next_us = now_us + (now_us - watch->regrouped_us < WHILE_US ? OFTEN_US : SELDOM_US);
    pthread_mutex_unlock(&watch->lock);
    bool is_known = !is_due || look(watch);
    pthread_mutex_lock(&watch->lock);
    if (!is_known && watch->next_us > now_us + FIRST_US)
        watch->next_us = now_us + FIRST_US;
    int64_t next_us = watch->next_us;
    pthread_mutex_unlock(&watch->lock);
    return next_us;
}

static int64_t tick(void *context)
{
    return shutdown_requested() ? TICKER_END : look_if_due(context);
}

static void destroy(struct group_watch *watch)
{
    ticker_clean_up(&watch->ticker);
    if (watch->group)
        watch->group->operations->destroy(watch->group);
    free(watch->foreign);
    buffer_clean_up(&watch->told);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

bool group_watch_start(const struct settings *settings, const struct kafka_access *access,
                       struct group_watch **ret_watch, struct error *error)
{
    struct group_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    watch->settings = settings;
    watch->access = access;
    pthread_mutex_init(&watch->lock, NULL);
    ticker_init(&watch->ticker, tick, watch);
    watch->next_us = clock_monotonic_us() + SELDOM_US;
    bool started = kafka_group_open(access, &watch->group, error) && ticker_start(&watch->ticker, 0, error);
    if (!started) {
        destroy(watch);
        return false;
    }
    *ret_watch = watch;
    return true;
}

void group_watch_stop(struct group_watch *watch)
{
    if (watch)
        destroy(watch);
}

/* What was known of the members holds no longer. */
void group_watch_regrouped(void *context)
{
    struct group_watch *watch = context;
    if (!watch)
        return;
    set_foreign(watch, NULL, 0);
    pthread_mutex_lock(&watch->lock);
    watch->regrouped_us = clock_monotonic_us();
    watch->next_us = watch->regrouped_us + FIRST_US;
    pthread_mutex_unlock(&watch->lock);
    ticker_wake(&watch->ticker);
}

bool group_watch_foreign(void *context, size_t number, struct foreign_partition *ret_partition)
{
    struct group_watch *watch = context;
    if (!watch)
        return false;
    pthread_mutex_lock(&watch->lock);
    bool found = number < watch->foreign_count;
    if (found)
        *ret_partition = watch->foreign[number];
    pthread_mutex_unlock(&watch->lock);
    return found;
}
