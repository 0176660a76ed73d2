/* SPDX-License-Identifier: Apache-2.0
 * Recomputes the soak's figures from the topic alone, as fast as the broker gives it, and shares nothing with the
 * platform: it knows the exact text of soak_generate's orders, and what isn't that is a bad message.
 *
 * usage: soak_fold BROKERS TOPIC PARTITIONS MAX_FUTURE_SECONDS < CHECKPOINTS
 *
 * A checkpoint is a line "partition offset", ascending. Prints, in cents:
 *   ledger PARTITION end consumed kept replaced bad
 *   checkpoint PARTITION OFFSET count cents       of the counted versions below this offset
 *   minute START count cents
 *   summary DAY_START CATEGORY SEGMENT count cents
 * The last version of an order counts, where it isn't cancelled and its amount is above 0. */
#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 5000
#define CATEGORIES 100
#define SEGMENTS 2
#define MINUTES (10 * 1440) /* from the first day on that is looked at */
#define DAY INT64_C(86400)
#define EMPTY 0xff

/* The last version of an order; its number is its place. */
struct version {
    int32_t minute; /* since the first day */
    uint32_t cents; /* 0 where it doesn't count */
    uint8_t category, segment, partition;
};

struct order {
    int64_t number, second;
    struct version version;
};

struct cell {
    int64_t count, cents;
};

struct checkpoint {
    int partition;
    int64_t offset;
};

struct fold {
    int64_t max_future_s, first_day_s; /* 0 until the first message */
    struct version *versions;
    size_t version_count;
    struct cell minutes[MINUTES], summary[MINUTES / 1440][CATEGORIES][SEGMENTS];
    struct checkpoint *checkpoints;
    size_t checkpoint_count, checkpoint_next;
};

struct partition {
    int number;
    int64_t end, consumed, kept, replaced, bad;
    struct cell counted;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "soak_fold: %s: %s\n", what, why);
    exit(70);
}

/* --- the text of an order --- */

struct text {
    const char *at, *end;
};

static bool literal(struct text *text, const char *expected)
{
    size_t length = strlen(expected);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, expected, length) != 0)
        return false;
    text->at += length;
    return true;
}

/* A number of at least `least` and at most `most` digits. */
static bool digits(struct text *text, int least, int most, int64_t *ret_number)
{
    int count = 0;
    *ret_number = 0;
    for (; count < most && text->at < text->end && *text->at >= '0' && *text->at <= '9'; count++)
        *ret_number = *ret_number * 10 + (*text->at++ - '0');
    return count >= least;
}

/* Days since 1970 by the civil calendar (Hinnant). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static bool time_of(struct text *text, int64_t *ret_second)
{
    int64_t year, month, day, hour, minute, second;
    if (!digits(text, 4, 4, &year) || !literal(text, "-") || !digits(text, 2, 2, &month) || !literal(text, "-") ||
        !digits(text, 2, 2, &day) || !literal(text, "T") || !digits(text, 2, 2, &hour) || !literal(text, ":") ||
        !digits(text, 2, 2, &minute) || !literal(text, ":") || !digits(text, 2, 2, &second) || !literal(text, "Z"))
        return false;
    *ret_second = days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
    return true;
}

static bool parse(struct text text, struct order *ret_order, bool *ret_cancelled)
{
    int64_t unused, category, whole, cents;
    if (!literal(&text, "{\"order_id\":\"order-") || !digits(&text, 10, 10, &ret_order->number) ||
        !literal(&text, "\",\"customer_id\":\"customer-") || !digits(&text, 6, 6, &unused) ||
        !literal(&text, "\",\"customer_segment\":\""))
        return false;
    ret_order->version.segment = literal(&text, "export");
    if ((!ret_order->version.segment && !literal(&text, "domestic")) || !literal(&text, "\",\"product_id\":\"") ||
        !digits(&text, 5, 5, &unused) || !literal(&text, "\",\"category\":\"") || !digits(&text, 2, 2, &category) ||
        !literal(&text, "\",\"amount\":") || !digits(&text, 1, 9, &whole) || !literal(&text, ".") ||
        !digits(&text, 2, 2, &cents) || !literal(&text, ",\"quantity\":") || !digits(&text, 1, 1, &unused) ||
        !literal(&text, ",\"status\":\""))
        return false;
    *ret_cancelled = literal(&text, "cancelled");
    if ((!*ret_cancelled && !literal(&text, "completed")) || !literal(&text, "\",\"timestamp\":\"") ||
        !time_of(&text, &ret_order->second) || !literal(&text, "\"}") || text.at != text.end)
        return false;
    ret_order->version.category = (uint8_t)category;
    ret_order->version.cents = *ret_cancelled ? 0 : (uint32_t)(whole * 100 + cents);
    return true;
}

/* --- folding --- */

static struct version *version_at(struct fold *fold, int64_t number)
{
    if ((size_t)number >= fold->version_count) {
        size_t count = ((size_t)number + 1) * 2;
        fold->versions = realloc(fold->versions, count * sizeof *fold->versions);
        if (!fold->versions)
            die("versions", "out of memory");
        memset(fold->versions + fold->version_count, EMPTY, (count - fold->version_count) * sizeof *fold->versions);
        fold->version_count = count;
    }
    return &fold->versions[number];
}

static void add(struct cell *cell, const struct version *version, int sign)
{
    cell->count += sign;
    cell->cents += sign * (int64_t)version->cents;
}

static void count(struct fold *fold, struct partition *partition, const struct version *version, int sign)
{
    if (version->cents == 0)
        return;
    add(&partition->counted, version, sign);
    add(&fold->minutes[version->minute], version, sign);
    add(&fold->summary[version->minute / 1440][version->category][version->segment], version, sign);
}

static void take(struct fold *fold, struct partition *partition, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t record_ms = rd_kafka_message_timestamp(message, &type);
    struct order order = {0};
    bool cancelled;
    if (fold->first_day_s == 0)
        fold->first_day_s = (record_ms / 1000 / DAY - 4) * DAY;
    partition->consumed++;
    partition->end = message->offset + 1;
    if (!parse((struct text){message->payload, (const char *)message->payload + message->len}, &order, &cancelled) ||
        order.second * 1000 > record_ms + fold->max_future_s * 1000) {
        partition->bad++;
        return;
    }
    order.version.minute = (int32_t)((order.second - fold->first_day_s) / 60);
    order.version.partition = (uint8_t)partition->number;
    if (order.version.minute < 0 || order.version.minute >= MINUTES)
        die("an order", "its time is outside of what is looked at");
    struct version *version = version_at(fold, order.number);
    if (version->partition == EMPTY) {
        partition->kept++;
    } else {
        if (version->partition != partition->number)
            die("an order", "its versions lie in two partitions");
        partition->replaced++;
        count(fold, partition, version, -1);
    }
    *version = order.version;
    count(fold, partition, version, 1);
}

/* What stands below `offset` is complete now. */
static void pass(struct fold *fold, const struct partition *partition, int64_t offset)
{
    for (; fold->checkpoint_next < fold->checkpoint_count; fold->checkpoint_next++) {
        const struct checkpoint *checkpoint = &fold->checkpoints[fold->checkpoint_next];
        if (checkpoint->partition != partition->number || checkpoint->offset > offset)
            return;
        printf("checkpoint %d %" PRId64 " %" PRId64 " %" PRId64 "\n", partition->number, checkpoint->offset,
               partition->counted.count, partition->counted.cents);
    }
}

static bool take_batch(struct fold *fold, struct partition *partition, rd_kafka_queue_t *queue)
{
    rd_kafka_message_t *messages[BATCH];
    ssize_t polled = rd_kafka_consume_batch_queue(queue, 1000, messages, BATCH);
    bool ended = false;
    for (ssize_t i = 0; i < polled; i++) {
        const rd_kafka_message_t *message = messages[i];
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            pass(fold, partition, message->offset);
            ended = true;
        } else if (message->err) {
            fprintf(stderr, "soak_fold: %s\n", rd_kafka_message_errstr(message));
        } else {
            pass(fold, partition, message->offset);
            take(fold, partition, message);
        }
        rd_kafka_message_destroy(messages[i]);
    }
    return !ended;
}

static void fold_partition(struct fold *fold, rd_kafka_t *consumer, rd_kafka_queue_t *queue, const char *topic,
                           int number)
{
    struct partition partition = {.number = number};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, number)->offset = 0;
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    while (take_batch(fold, &partition, queue)) {
    }
    rd_kafka_assign(consumer, NULL);
    printf("ledger %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", number, partition.end,
           partition.consumed, partition.kept, partition.replaced, partition.bad);
}

static void print_cells(const struct fold *fold)
{
    for (int minute = 0; minute < MINUTES; minute++)
        if (fold->minutes[minute].count)
            printf("minute %" PRId64 " %" PRId64 " %" PRId64 "\n", fold->first_day_s + INT64_C(60) * minute,
                   fold->minutes[minute].count, fold->minutes[minute].cents);
    for (int i = 0; i < MINUTES / 1440 * CATEGORIES * SEGMENTS; i++) {
        int day = i / (CATEGORIES * SEGMENTS), category = i / SEGMENTS % CATEGORIES, segment = i % SEGMENTS;
        const struct cell *cell = &fold->summary[day][category][segment];
        if (cell->count)
            printf("summary %" PRId64 " %02d %s %" PRId64 " %" PRId64 "\n", fold->first_day_s + day * DAY, category,
                   segment ? "export" : "domestic", cell->count, cell->cents);
    }
}

static rd_kafka_t *consumer_new(const char *brokers)
{
    static const char *const properties[][2] = {{"group.id", "soak-fold"},        {"enable.auto.commit", "false"},
                                                {"auto.offset.reset", "error"},   {"isolation.level", "read_committed"},
                                                {"enable.partition.eof", "true"}, {"log_level", "2"}};
    char reason[256];
    rd_kafka_conf_t *configuration = rd_kafka_conf_new();
    rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, reason, sizeof reason);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        if (rd_kafka_conf_set(configuration, properties[i][0], properties[i][1], reason, sizeof reason) != 0)
            die(properties[i][0], reason);
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, reason, sizeof reason);
    if (!consumer)
        die("consumer", reason);
    rd_kafka_poll_set_consumer(consumer);
    return consumer;
}

static void read_checkpoints(struct fold *fold)
{
    struct checkpoint one;
    while (scanf("%d %" SCNd64, &one.partition, &one.offset) == 2) {
        fold->checkpoints = realloc(fold->checkpoints, (fold->checkpoint_count + 1) * sizeof one);
        if (!fold->checkpoints)
            die("checkpoints", "out of memory");
        fold->checkpoints[fold->checkpoint_count++] = one;
    }
}

int main(int argc, char *argv[])
{
    static struct fold fold;
    if (argc != 5) {
        fprintf(stderr, "usage: soak_fold BROKERS TOPIC PARTITIONS MAX_FUTURE_SECONDS < CHECKPOINTS\n");
        return 64;
    }
    fold.max_future_s = strtoll(argv[4], NULL, 10);
    read_checkpoints(&fold);
    rd_kafka_t *consumer = consumer_new(argv[1]);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    for (int partition = 0; partition < atoi(argv[3]); partition++)
        fold_partition(&fold, consumer, queue, argv[2], partition);
    print_cells(&fold);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    free(fold.versions);
    free(fold.checkpoints);
    return 0;
}
