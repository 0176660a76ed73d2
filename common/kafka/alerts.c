/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/alerts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "kafka/consumer.h"
#include "kafka/kafka_log.h"
#include "kafka/transaction_writer.h"

#define WRITE_US (8 * US_PER_SECOND) /* the longest that a commit takes: less than the transaction's timeout */
#define TRANSACTION_MS "10000"

struct kafka_alerts {
    struct alert_store store; /* first, so that one pointer is both */
    const struct kafka_access *access;
    const struct detector *detector;
    struct consumer *consumer;                 /* NULL: none */
    rd_kafka_t *client;                        /* the consumer's, or its own, to ask for positions */
    rd_kafka_consumer_group_metadata_t *group; /* NULL: the member has no partitions */
    struct transaction_writer *writer;         /* NULL: not open */
    bool is_proven;                            /* positions in transactions are kept, or it was found out: */
    bool forgets_positions;                    /* they aren't */
    bool has_written;                          /* alerts, since it was opened */
};

static struct kafka_alerts *self(struct alert_store *store)
{
    return (struct kafka_alerts *)(void *)store;
}

static void forget_group(struct kafka_alerts *alerts)
{
    if (alerts->group)
        rd_kafka_consumer_group_metadata_destroy(alerts->group);
    alerts->group = NULL;
}

static void joined(struct alert_store *store)
{
    forget_group(self(store));
    self(store)->group = rd_kafka_consumer_group_metadata(self(store)->client);
}

/* --- Positions --------------------------------------------------------------------------------------------------- */

static void add_position(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition,
                         const struct detector_position *position)
{
    char metadata[DETECTOR_METADATA_SIZE];
    rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, topic, partition);
    detector_position_format(position, metadata);
    one->offset = position->offset;
    one->metadata = strdup(metadata);
    one->metadata_size = one->metadata ? strlen(metadata) : 0;
}

static rd_kafka_topic_partition_list_t *position_list(const struct kafka_alerts *alerts,
                                                      const struct partition_position positions[], size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        add_position(list, alerts->detector->source->topic, positions[i].partition, &positions[i].position);
    return list;
}

static struct detector_position position_of(const rd_kafka_topic_partition_t *one)
{
    struct detector_position position = {.offset = one->offset >= 0 ? one->offset : -1};
    if (!one->metadata || !detector_position_parse((struct text){one->metadata, one->metadata_size}, &position)) {
        position.floor = (struct floor){position.offset, CLOCK_NONE};
        position.record_time_us = -1;
    }
    return position;
}

static rd_kafka_resp_err_t committed(struct kafka_alerts *alerts, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_committed(alerts->client, list, KAFKA_TIMEOUT_MS);
    for (int i = 0; i < list->cnt && code == 0; i++)
        code = list->elems[i].err;
    return code;
}

static bool read_positions(struct alert_store *store, struct detector_position ret_positions[], size_t count,
                           struct error *error)
{
    const char *topic = self(store)->detector->source->topic;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic, (int32_t)i);
    rd_kafka_resp_err_t code = committed(self(store), list);
    for (size_t i = 0; i < count && code == 0; i++)
        ret_positions[i] = position_of(&list->elems[i]);
    rd_kafka_topic_partition_list_destroy(list);
    return code == 0 || kafka_error(error, code, "the positions of a detector");
}

/* Whether the broker has kept the positions of a transaction. */
static bool prove(struct kafka_alerts *alerts, const rd_kafka_topic_partition_list_t *written, struct error *error)
{
    if (alerts->is_proven)
        return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(written);
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_INVALID;
    rd_kafka_resp_err_t code = committed(alerts, list);
    for (int i = 0; i < list->cnt && code == 0; i++)
        alerts->forgets_positions |= list->elems[i].offset != written->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    alerts->is_proven = code == 0;
    if (alerts->is_proven && alerts->forgets_positions)
        log_warning("detector %s: this broker has no transactions: positions are committed behind the alerts, so that "
                    "an alert may come again after a crash, under the same alert_id",
                    alerts->detector->name);
    return code == 0 || kafka_error(error, code, "the positions of a detector");
}

static bool commit_behind(struct kafka_alerts *alerts, const rd_kafka_topic_partition_list_t *list, struct error *error)
{
    if (!alerts->forgets_positions)
        return true;
    rd_kafka_resp_err_t code = rd_kafka_commit(alerts->client, list, 0);
    return code == 0 || kafka_error(error, code, "the positions of a detector");
}

static bool prove_and_commit_behind(struct kafka_alerts *alerts, const rd_kafka_topic_partition_list_t *list,
                                    struct error *error)
{
    return prove(alerts, list, error) && commit_behind(alerts, list, error);
}

/* What has never been written may not be: that is the operator's to mend, and not to wait for. What is refused later
 * is, for rights that are taken away may be given back. */
static void explain_refusal(const struct kafka_alerts *alerts, struct error *error)
{
    const struct error cause = *error;
    if (cause.code == ERROR_PERMISSION)
        error_set(error, alerts->has_written ? ERROR_PERMISSION : ERROR_CONFIGURATION,
                  "%s: detector %s can't write its alerts: give this user the right Write on the topic %s and on "
                  "transactional ids that begin with %s/, and Read on the group %s",
                  cause.message, alerts->detector->name, alerts->detector->alerts, alerts->access->group,
                  alerts->access->group);
}

/* --- Beginning --------------------------------------------------------------------------------------------------- */

static bool has_members(struct kafka_alerts *alerts, bool *ret_has, struct error *error)
{
    const struct rd_kafka_group_list *groups = NULL;
    rd_kafka_resp_err_t code = rd_kafka_list_groups(alerts->client, alerts->access->group, &groups, KAFKA_TIMEOUT_MS);
    if (code)
        return kafka_error(error, code, alerts->access->group);
    *ret_has = false;
    for (int i = 0; i < groups->group_cnt; i++)
        *ret_has |= groups->groups[i].member_cnt > 0;
    rd_kafka_group_list_destroy(groups);
    return true;
}

static bool has_positions(struct alert_store *store, const struct partition_position positions[], size_t count,
                          bool *ret_has, struct error *error)
{
    size_t partitions = 0;
    for (size_t i = 0; i < count; i++)
        if ((size_t)positions[i].partition >= partitions)
            partitions = (size_t)positions[i].partition + 1;
    struct detector_position *there = calloc(partitions + 1, sizeof *there);
    *ret_has = false;
    if (!there)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    bool done = read_positions(store, there, partitions, error);
    for (size_t i = 0; done && i < partitions; i++)
        *ret_has |= there[i].offset >= 0;
    free(there);
    return done;
}

static bool may_begin(struct alert_store *store, const struct partition_position positions[], size_t count, bool reset,
                      struct error *error)
{
    bool has = false;
    if (reset)
        return has_members(self(store), &has, error) &&
               (!has || error_set(error, ERROR_TRY_AGAIN,
                                  "the group %s has members: stop every tidemark-speed with this detector first",
                                  self(store)->access->group));
    return has_positions(store, positions, count, &has, error) &&
           (!has || error_set(error, ERROR_TRY_AGAIN, "another process began with this detector"));
}

/* All who begin use one transactional id, so that one is over before the next looks whether it still has to. */
static bool begin(struct alert_store *store, const struct partition_position positions[], size_t count, bool reset,
                  struct error *error)
{
    struct kafka_alerts *alerts = self(store);
    int64_t until_us = clock_monotonic_us() + WRITE_US;
    char id[400];
    snprintf(id, sizeof id, "%s/begin", alerts->access->group);
    const struct transaction_names names = {
        .id = id, .timeout_ms = TRANSACTION_MS, .topic = alerts->detector->alerts, .records = "alerts"};
    struct transaction_writer *writer = transaction_writer_new(alerts->access, &names, error);
    rd_kafka_topic_partition_list_t *list = position_list(alerts, positions, count);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new(alerts->access->group);
    bool done = writer && transaction_writer_open(writer, until_us, error) &&
                may_begin(store, positions, count, reset, error) && transaction_begin(writer, error) &&
                transaction_commit(writer, group, list, until_us, error) &&
                prove_and_commit_behind(alerts, list, error);
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(list);
    transaction_writer_destroy(writer);
    if (!done)
        explain_refusal(alerts, error);
    return done;
}

/* --- Alerts that are there --------------------------------------------------------------------------------------- */

struct search {
    const char *detector;
    bool found;
};

static bool look(void *context, const struct log_message *message, struct error *error)
{
    struct search *search = context;
    struct log_header header;
    for (size_t i = 0; message->header && message->header(message->origin, i, &header); i++)
        search->found |= strcmp(header.name, ALERT_HEADER) == 0 && text_equal(header.value, text_of(search->detector));
    return !search->found || error_set(error, ERROR_NONE, "found");
}

static bool search_partition(struct event_log *log, const char *topic, int32_t partition, struct search *search,
                             struct error *error)
{
    int64_t first, end, available;
    return log->operations->ends(log, topic, partition, &first, &end, error) &&
           (log->operations->read(log, topic, partition, first, end, &available, look, search, error) || search->found);
}

static bool has_alerts(struct alert_store *store, bool *ret_has, struct error *error)
{
    const struct detector *detector = self(store)->detector;
    struct search search = {.detector = detector->name};
    struct event_log *log;
    int32_t partitions = 0;
    if (!kafka_log_open(self(store)->access, &log, error))
        return false;
    bool done = log->operations->partition_count(log, detector->alerts, &partitions, error);
    for (int32_t i = 0; done && i < partitions && !search.found; i++)
        done = search_partition(log, detector->alerts, i, &search, error);
    log->operations->destroy(log);
    *ret_has = search.found;
    return done;
}

/* --- Committing -------------------------------------------------------------------------------------------------- */

static void close_writer(struct kafka_alerts *alerts)
{
    transaction_writer_destroy(alerts->writer);
    alerts->writer = NULL;
}

static bool open_writer(struct kafka_alerts *alerts, int64_t until_us, struct error *error)
{
    uint64_t chance;
    char id[400];
    if (alerts->writer)
        return transaction_writer_open(alerts->writer, until_us, error);
    if (!random_bytes(&chance, sizeof chance))
        return error_set(error, ERROR_UNAVAILABLE, "no random bytes");
    snprintf(id, sizeof id, "%s/%016" PRIx64, alerts->access->group, chance);
    const struct transaction_names names = {
        .id = id, .timeout_ms = TRANSACTION_MS, .topic = alerts->detector->alerts, .records = "alerts"};
    alerts->writer = transaction_writer_new(alerts->access, &names, error);
    return alerts->writer && transaction_writer_open(alerts->writer, until_us, error);
}

static bool add_alert(struct kafka_alerts *alerts, const struct alert_record *alert, int64_t until_us,
                      struct error *error)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(headers, ALERT_HEADER, -1, alerts->detector->name, -1);
    const struct transaction_record record = {.topic = alerts->detector->alerts,
                                              .key = alert->key,
                                              .value = alert->json,
                                              .headers = headers,
                                              .size = alert->json.length};
    return transaction_add(alerts->writer, &record, until_us, error);
}

static bool write_all(struct kafka_alerts *alerts, const struct alert_record records[], size_t count,
                      const rd_kafka_topic_partition_list_t *list, int64_t until_us, struct error *error)
{
    if (!open_writer(alerts, until_us, error) || !transaction_begin(alerts->writer, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!add_alert(alerts, &records[i], until_us, error))
            return false;
    if (!transaction_commit(alerts->writer, alerts->group, list, until_us, error)) {
        size_t refused = transaction_refused(alerts->writer);
        if (refused != SIZE_MAX)
            error_set(error, ERROR_UNAVAILABLE, "kafka: %s refuses an alert of %zu bytes: raise its max.message.bytes",
                      alerts->detector->alerts, refused);
        return false;
    }
    return prove_and_commit_behind(alerts, list, error);
}

static bool commit(struct alert_store *store, const struct alert_record records[], size_t count,
                   const struct partition_position positions[], size_t position_count, struct error *error)
{
    struct kafka_alerts *alerts = self(store);
    if (!alerts->group)
        return error_set(error, ERROR_TRY_AGAIN, "the group has given this process no partitions");
    rd_kafka_topic_partition_list_t *list = position_list(alerts, positions, position_count);
    bool done = write_all(alerts, records, count, list, clock_monotonic_us() + WRITE_US, error);
    rd_kafka_topic_partition_list_destroy(list);
    if (!done) {
        explain_refusal(alerts, error);
        close_writer(alerts);
    }
    alerts->has_written |= done && count > 0;
    return done;
}

static void destroy(struct alert_store *store)
{
    struct kafka_alerts *alerts = self(store);
    close_writer(alerts);
    forget_group(alerts);
    if (!alerts->consumer && alerts->client)
        kafka_consumer_destroy(alerts->client);
    free(alerts);
}

bool kafka_alerts_open(const struct kafka_access *access, const struct detector *detector, struct consumer *consumer,
                       struct alert_store **ret_store, struct error *error)
{
    static const struct alert_store_operations operations = {joined,     read_positions, begin,
                                                             has_alerts, commit,         destroy};
    struct kafka_alerts *alerts = calloc(1, sizeof *alerts);
    if (!alerts)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    *alerts = (struct kafka_alerts){
        .store.operations = &operations, .access = access, .detector = detector, .consumer = consumer};
    const struct property defaults[] = {{"group.id", access->group}, {"retry.backoff.ms", "10"}, {0}};
    alerts->client = consumer ? kafka_consumer_client(consumer)
                              : kafka_client_new(RD_KAFKA_CONSUMER, access, defaults, NULL, NULL, error);
    if (!alerts->client) {
        free(alerts);
        return false;
    }
    *ret_store = &alerts->store;
    return true;
}
