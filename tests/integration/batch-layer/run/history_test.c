/* SPDX-License-Identifier: Apache-2.0
 * Random histories: whatever messages come and wherever runs cut and die, each publication equals what the view library
 * makes of the same messages. The views cross changes of the clock in zones where that is hardest. */
#include "batch_fixture.h"

#include "base/timestamp.h"

static const char hard_views[] =
    "views:\n"
    "  day_london: { source: orders, window: tumbling 1 day, where: \"amount > 0\", dimensions: [category], measures: "
    "{ n: "
    "count, s: sum(amount), a: avg(amount) } }\n"
    "  hour_howe: { source: orders, window: tumbling 1 hour, time_zone: Australia/Lord_Howe, measures: { n: count, a: "
    "avg(quantity) } }\n"
    "  hour_johns: { source: orders, window: tumbling 1 hour, time_zone: America/St_Johns, where: \"amount > 0 or "
    "quantity "
    "is null\", measures: { n: count, least: min(quantity) } }\n"
    "  six_hours: { source: orders, window: tumbling 6 hours, time_zone: America/Sao_Paulo, measures: { n: count, s: "
    "sum(amount) } }\n"
    "  day_paulo: { source: orders, window: tumbling 1 day, time_zone: America/Sao_Paulo, where: \"status in ('paid', "
    "'sent') or quantity is null\", measures: { n: count } }\n"
    "  day_apia: { source: orders, window: tumbling 1 day, time_zone: Pacific/Apia, dimensions: [quantity, status], "
    "measures: { n: count, s: sum(quantity) } }\n"
    "  day_havana: { source: orders, window: tumbling 1 day, time_zone: America/Havana, measures: { a: avg(amount), n: "
    "count, u: unique(category), least: min(amount), most: max(amount) } }\n"
    "  day_johns: { source: orders, window: tumbling 1 day, time_zone: America/St_Johns, measures: { n: count } }\n"
    "  week_johns: { source: orders, window: tumbling 1 week, time_zone: America/St_Johns, dimensions: [category], "
    "measures: { n: count, s: sum(amount) } }\n"
    "  month_london: { source: orders, window: tumbling 1 month, where: \"amount > 0\", measures: { n: count, c: "
    "count(category), q: count(quantity), s: sum(quantity) } }\n"
    "  month_apia: { source: orders, window: tumbling 1 month, time_zone: Pacific/Apia, measures: { n: count } }\n"
    "  year_havana: { source: orders, window: tumbling 1 year, time_zone: America/Havana, dimensions: [status], "
    "measures: { n: count, a: avg(amount), u: unique(quantity), most: max(quantity) } }\n"
    "  minute_kathmandu: { source: orders, window: tumbling 15 minutes, time_zone: Asia/Kathmandu, measures: { n: "
    "count } "
    "}\n";

/* Instants around which clocks change: London, Lord Howe, São Paulo (midnight is skipped, or comes twice), Apia (a day
 * is skipped), Havana (midnight comes twice), St John's (the clock goes back over midnight); a Sunday, the turn of a
 * year and that of a February with 29 days. */
static const int64_t instants_s[] = {1774746000, 1759590000, 1541300400, 1518919200, 1325239200, 1478408400,
                                     946684800,  4102444799, 1289097060, 1509278400, 1514764800, 1709251200};

static void append_random(struct world *world)
{
    static const char *const statuses[] = {"\"paid\"", "\"sent\"", "\"cancelled\"", "null", "7"};
    static const char *const categories[] = {"\"a\"", "\"\"", "null", "\"\\\\N\\t\""};
    uint64_t id = test_random(40);
    int64_t instant_s = instants_s[test_random(COUNT_OF(instants_s))];
    int64_t apart_s = test_random(2) ? 100000 : 4000;
    int64_t at_s = instant_s + (int64_t)test_random((uint64_t)(2 * apart_s)) - apart_s;
    if (at_s < instants_s[6] || at_s > instants_s[7])
        at_s = instant_s;
    struct buffer payload = {0};
    buffer_appendf(&payload, "{\"order_id\": \"o%d\", \"timestamp\": \"", (int)id);
    buffer_append_timestamp(&payload, at_s * US_PER_SECOND + (int64_t)test_random(1000) * 1000);
    buffer_appendf(&payload, "\", \"amount\": %d.%02d, \"status\": %s, \"category\": %s", (int)test_random(30) - 9,
                   (int)test_random(100), statuses[test_random(COUNT_OF(statuses) - (test_random(9) > 0))],
                   categories[test_random(COUNT_OF(categories))]);
    if (test_random(3))
        buffer_appendf(&payload, ", \"quantity\": %d", (int)test_random(5) - 2);
    buffer_append_string(&payload, test_random(30) ? "}" : "");
    memory_log_append(&world->log, (int32_t)(id % 3), buffer_string(&payload),
                      test_random(2) ? at_s * US_PER_SECOND : -1);
    buffer_clean_up(&payload);
}

/* Each partition's speed process reads on, not always to the end; one that lost its slot begins at the published cut.
 */
static void follow_a_little(struct world *world)
{
    for (int32_t i = 0; i < world->log.partition_count; i++) {
        struct slot *slot = &world->realtime->slots[i];
        if (!slot->exists) {
            struct publication publication;
            assert_true(world->batch.publications->operations->read(world->batch.publications, world->source,
                                                                    &publication, NULL));
            const struct published_partition *published = publication_partition(&publication, i);
            int64_t from = published ? published->cut : world->log.partitions[i].base;
            shared_slots_begin(world->realtime, i, world->log.partitions[i].base, publication.epoch + 1, from);
            publication_clean_up(&publication);
        }
        slot->next += (int64_t)test_random((uint64_t)(world->log.partitions[i].end - slot->next) + 1);
    }
}

/* The log lets go of messages that are ingested. */
static void trim_log(struct world *world)
{
    PGresult *result;
    assert_true(batch_connect(&world->batch, &world->error));
    if (!connection_query(world->batch.connection,
                          "select partition, cut from tidemark.partition where cut is not null", 0, NULL, &result,
                          &world->error))
        return;
    for (int row = 0; row < PQntuples(result); row++)
        world->log.partitions[result_integer(result, row, 0)].first = result_integer(result, row, 1);
    PQclear(result);
}

static void step(struct world *world)
{
    static const char *const places[] = {"after_open_epoch", "after_ingest_chunk", "before_publish", "after_publish"};
    switch (test_random(12)) {
    case 0:
        run_and_crash(world, places[test_random(COUNT_OF(places))]);
        wait_for_lock(world);
        break;
    case 1:
        world->realtime->slots[test_random(3)].exists = false;
        break;
    case 2:
        if (test_random(8) == 0)
            trim_log(world);
        break;
    case 3:
    case 4:
        world->error = (struct error){0};
        if (run_source(&world->batch, world->source, &world->error))
            verify_ok(world);
        else if (world->error.code != ERROR_TRY_AGAIN)
            fail_msg("%s", world->error.message);
        break;
    default:
        for (uint64_t i = test_random(30); i > 0; i--)
            append_random(world);
        follow_a_little(world);
    }
}

static void play(const char *rule)
{
    char source[sizeof default_source];
    memcpy(source, default_source, sizeof source);
    memcpy(strstr(source, "replace"), rule, 7);
    struct world world;
    make_world_with(&world, 3, source, hard_views);
    for (int i = 0; i < 120; i++)
        step(&world);
    follow_a_little(&world);
    for (int32_t i = 0; i < 3; i++)
        world.realtime->slots[i].next = world.log.partitions[i].end;
    run_ok(&world);
    run_ok(&world);
    assert_rows(&world, "select count(*) from tidemark.partition where cut < ingested", "0");
    verify_ok(&world);
    end_world(&world);
}

static void any_history_with_replaced_versions_is_exact(void **state)
{
    (void)state;
    play("replace");
}

static void any_history_with_ignored_duplicates_is_exact(void **state)
{
    (void)state;
    play("ignore ");
}

static void any_history_without_versions_is_exact(void **state)
{
    (void)state;
    play("none   ");
}

int main(void)
{
    test_random_seed();
    log_configure("tidemark-batch", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_with_replaced_versions_is_exact),
        cmocka_unit_test(any_history_with_ignored_duplicates_is_exact),
        cmocka_unit_test(any_history_without_versions_is_exact),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
