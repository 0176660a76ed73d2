/* SPDX-License-Identifier: Apache-2.0 */
#include "transactions.h"

#include "detector_fixture.h"

#include "base/clock.h"

#define RULES 3

struct partition {
    struct fixture *fixture;
    struct fate fates[LOG_MAX];
    bool has_fates;
    int64_t first, end;                 /* that are there */
    int64_t from;                       /* judged from here on */
    bool lacks_some;                    /* that the windows needed */
    bool may_lack[LOG_MAX];             /* it was gone before it was judged, it may be */
    int64_t alerted_at[RULES][LOG_MAX]; /* the offset with which it was, and one; 0: not yet */
    char payload[200];
};

static struct partition partitions[PARTITIONS_MAX];
static int32_t partition_count;

/* Times begin near the wall clock's, so that what an entry is behind it means something; the log has seconds. */
static void shift(struct fixture *fixture, int64_t shown)
{
    int64_t by_us = clock_wall_us() - fixture->log[shown > 0 ? shown - 1 : 0].event_time_us;
    by_us -= by_us % S;
    for (int64_t i = 0; i < fixture->length; i++) {
        fixture->log[i].event_time_us += by_us;
        if (fixture->log[i].record_time_us >= 0)
            fixture->log[i].record_time_us += by_us;
    }
}

static void begin_one(struct partition *partition, enum on_duplicate on_duplicate, int64_t more_than)
{
    if (partition->fixture)
        fixture_destroy(partition->fixture);
    *partition = (struct partition){.fixture = fixture_new(on_duplicate, more_than)};
    fixture_fill(partition->fixture, 1 + (int64_t)test_random(80));
    partition->fixture->source.schema.event_time_unit = TIME_SECONDS;
    partition->end = (int64_t)test_random((uint64_t)partition->fixture->length + 1);
    shift(partition->fixture, partition->end);
}

void transactions_begin(uint64_t seed, int32_t count, bool from_beginning)
{
    test_random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 8; i++)
        test_random(2);
    enum on_duplicate on_duplicate = test_random(2) ? ON_DUPLICATE_NONE : ON_DUPLICATE_IGNORE;
    int64_t more_than = 1 + (int64_t)test_random(5);
    for (size_t i = 0; i < PARTITIONS_MAX; i++)
        begin_one(&partitions[i], on_duplicate, more_than);
    partitions[0].fixture->detector.from_beginning = from_beginning;
    partition_count = count;
}

const struct detector *transactions_detector(void)
{
    return &partitions[0].fixture->detector;
}

void transactions_limit_memory(int64_t bytes)
{
    partitions[0].fixture->detector.memory_bytes = bytes;
}

int32_t transactions_partitions(void)
{
    return partition_count;
}

void transactions_grow(void)
{
    partition_count += partition_count < PARTITIONS_MAX;
}

bool transactions_show(int32_t number, int64_t more)
{
    struct partition *partition = &partitions[number];
    int64_t length = partition->fixture->length;
    if (partition->end == length)
        return false;
    partition->end = partition->end + more < length ? partition->end + more : length;
    return true;
}

int64_t transactions_first(int32_t partition)
{
    return partitions[partition].first;
}

int64_t transactions_end(int32_t partition)
{
    return partitions[partition].end;
}

void transactions_trim(int32_t number, int64_t first, int64_t floor, int64_t position)
{
    struct partition *partition = &partitions[number];
    for (int64_t i = partition->first; i < first; i++) {
        partition->lacks_some |= i >= floor;
        partition->may_lack[i] |= i >= position;
    }
    partition->first = first > partition->first ? first : partition->first;
}

int64_t transactions_offset_at(int32_t number, int64_t at_us)
{
    const struct partition *partition = &partitions[number];
    for (int64_t i = partition->first; i < partition->end; i++)
        if (partition->fixture->log[i].record_time_us >= at_us)
            return i;
    return -1;
}

static int append_field(char *out, size_t room, const char *name, bool present, const char *text)
{
    return present ? snprintf(out, room, "\"%s\":\"%s\",", name, text) : 0;
}

struct log_message transactions_message(int32_t number, int64_t offset)
{
    struct partition *partition = &partitions[number];
    const struct entry *entry = &partition->fixture->log[offset];
    char *out = partition->payload;
    size_t room = sizeof partition->payload;
    int length = snprintf(out, room, "{%s", entry->is_bad ? "," : "");
    length += append_field(out + length, room - (size_t)length, "transaction_id", true, entry->id);
    length += append_field(out + length, room - (size_t)length, "customer_id", entry->has_customer, entry->customer);
    if (entry->has_shop)
        length += snprintf(out + length, room - (size_t)length, "\"shop\":%d,", (int)entry->shop);
    length += snprintf(out + length, room - (size_t)length, "\"amount\":%d.%02d,\"timestamp\":%lld}",
                       (int)(entry->amount / 100), (int)(entry->amount % 100), (long long)(entry->event_time_us / S));
    return (struct log_message){.offset = offset,
                                .record_time_us = entry->record_time_us,
                                .key = text_of(entry->customer),
                                .payload = {out, (size_t)length}};
}

/* --- What must come out ------------------------------------------------------------------------------------------ */

void transactions_first_start(int32_t number, int64_t from, int64_t floor)
{
    struct partition *partition = &partitions[number];
    partition->from = from;
    partition->has_fates = false;
    for (int64_t i = 0; i < floor; i++)
        partition->fixture->log[i].is_bad = true; /* there is nothing before the first floor */
}

static const struct fate *fates_of(struct partition *partition)
{
    if (!partition->has_fates)
        oracle_fates(partition->fixture, partition->fates);
    partition->has_fates = true;
    return partition->fates;
}

static bool is_proven(struct partition *partition, const struct rule *rule, int64_t offset, const char *evidence)
{
    int64_t counted = 0, last = -1;
    for (const char *at = evidence; (at = strstr(at, "\"offset\":")); at++) {
        last = strtoll(at + strlen("\"offset\":"), NULL, 10);
        counted += oracle_counts(partition->fixture, fates_of(partition), rule, offset, last);
    }
    return last == offset && counted > rule->more_than;
}

/* The texts of the rules, by which they are told. */
static bool has_hit(const char *texts, const char *end, size_t rule)
{
    static const char *const marks[RULES] = {" of c", "large: ", "more than "};
    const char *found = strstr(texts, marks[rule]);
    return found && found < end;
}

static bool note_hit(struct partition *partition, size_t number, int64_t offset, int64_t at, const char *evidence)
{
    const struct rule *rule = &partition->fixture->rules[number];
    int64_t count, before = partition->alerted_at[number][offset] - 1;
    partition->alerted_at[number][offset] = at + 1;
    /* Who doesn't know all that was there can't know either that it was alerted, but not by the same one. */
    if (partition->lacks_some)
        return at > before;
    if (before >= 0)
        return false;
    return oracle_alerted_at(partition->fixture, fates_of(partition), number, offset, &count) == at &&
           (!rule_is_velocity(rule) || is_proven(partition, rule, offset, evidence));
}

bool transactions_note_alert(const char *json)
{
    const char *texts = strstr(json, "\"alerts\":["), *id = strstr(json, "\"alert_id\":\"fraud/");
    const char *evidence = strstr(json, "\"evidence\":[");
    long long offset, cause;
    int number, words = id ? sscanf(id, "\"alert_id\":\"fraud/%d/%lld/%lld", &number, &offset, &cause) : 0;
    if (!texts || !evidence || words < 2 || number < 0 || number >= partition_count || offset < 0 ||
        offset >= partitions[number].end)
        return false;
    bool is_right = true, has_any = false;
    for (size_t rule = 0; rule < RULES; rule++) {
        if (!has_hit(texts, id, rule))
            continue;
        has_any = true;
        is_right &= note_hit(&partitions[number], rule, offset, words == 3 ? cause : offset, evidence);
    }
    return is_right && has_any;
}

static bool is_missing(struct partition *partition, size_t rule, int64_t offset)
{
    int64_t number, at = oracle_alerted_at(partition->fixture, fates_of(partition), rule, offset, &number);
    bool needs_state = rule_is_velocity(&partition->fixture->rules[rule]) ||
                       partition->fixture->source.on_duplicate == ON_DUPLICATE_IGNORE;
    bool may_miss = partition->may_lack[offset] || (partition->lacks_some && needs_state);
    return at >= partition->from && at < partition->end && !may_miss && partition->alerted_at[rule][offset] == 0;
}

bool transactions_all_alerted(void)
{
    for (int32_t i = 0; i < partition_count; i++)
        for (size_t rule = 0; rule < RULES; rule++)
            for (int64_t offset = 0; offset < partitions[i].end; offset++)
                if (is_missing(&partitions[i], rule, offset))
                    return false;
    return true;
}
