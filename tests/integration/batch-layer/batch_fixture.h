/* SPDX-License-Identifier: Apache-2.0
 * A private PostgreSQL with a fresh database for each test, a log and a real-time store in memory, and short words for
 * what tests do with them. */
#ifndef TIDEMARK_TESTS_BATCH_FIXTURE_H
#define TIDEMARK_TESTS_BATCH_FIXTURE_H

#include "cmocka_test.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "check/verify.h"
#include "config/load.h"
#include "database/schema.h"
#include "master/master.h"
#include "memory_log.h"
#include "publication/publisher.h"
#include "run/run.h"
#include "postgres_server.h"
#include "shared_slots.h"

#define UNUSED __attribute__((unused))
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define NOON_US INT64_C(1767268800000000) /* 2026-01-01T12:00:00Z */

struct world {
    struct memory_log log;
    struct shared_slots *realtime; /* shared with child processes, as Redis would be */
    struct settings *settings;
    const struct source *source;
    struct batch batch;
    struct error error;
};

static int databases; /* made so far: each test gets one */

static const char default_source[] = "sources:\n"
                                     "  orders:\n"
                                     "    topic: kafka://orders\n"
                                     "    key: order_id\n"
                                     "    event_time: timestamp\n"
                                     "    on_duplicate: replace\n"
                                     "    fields:\n"
                                     "      order_id: text\n"
                                     "      category: text\n"
                                     "      amount: decimal(2)\n"
                                     "      quantity: integer\n"
                                     "      status: text\n";

static const char default_views[] =
    "views:\n"
    "  daily_revenue:\n"
    "    source: orders\n"
    "    where: status <> 'cancelled' and amount > 0\n"
    "    window: tumbling 1 day\n"
    "    measures: { order_count: count, total_revenue: sum(amount), avg_value: avg(amount) }\n"
    "  by_category:\n"
    "    source: orders\n"
    "    window: tumbling 1 minute\n"
    "    dimensions: [category, quantity]\n"
    "    measures: { order_count: count, units: sum(quantity), mean_units: avg(quantity) }\n";

/* Measures that rest on members: of text, of integers, of decimals. */
static UNUSED const char member_views[] =
    "views:\n"
    "  spread:\n"
    "    source: orders\n"
    "    where: status <> 'cancelled' and amount > 0\n"
    "    window: tumbling 1 day\n"
    "    dimensions: [category]\n"
    "    measures: { order_count: count, orders: unique(order_id), least: min(amount), most: max(amount), quantities: "
    "unique(quantity) }\n";

/* Loads the configuration; the database stays, so that a test can change its views. */
static UNUSED void configure(struct world *world, const char *source, const char *views)
{
    char path[100];
    snprintf(path, sizeof path, "%s/tidemark.yaml", server.folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "time_zone: Europe/London\npostgres: { url: \"host=%s user=tidemark dbname=test%d\" }\n%s%s",
            server.folder, databases, source, views);
    fclose(file);
    settings_destroy(world->settings);
    world->settings = NULL;
    if (!settings_load(path, &world->settings, &world->error))
        fail_msg("%s", world->error.message);
    world->settings->batch.ingest_messages = 7; /* so that there are many chunks */
    world->source = &world->settings->sources[0];
    world->batch.settings = world->settings;
}

static UNUSED void open_publications(struct world *world)
{
    assert_true(postgres_publications_open(world->settings->postgres.url, NULL, &world->batch.publications, NULL));
}

static UNUSED void make_world_with(struct world *world, int32_t partitions, const char *source, const char *views)
{
    char line[300];
    *world = (struct world){0};
    snprintf(line, sizeof line, "psql -h %s -U tidemark -d postgres -qc 'create database test%d template template0'",
             server.folder, ++databases);
    assert_int_equal(system(line), 0);
    memory_log_init(&world->log, partitions);
    world->realtime = mmap(NULL, sizeof *world->realtime, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(world->realtime, MAP_FAILED);
    shared_slots_init(world->realtime);
    configure(world, source, views);
    world->batch.master = &postgres_master;
    world->batch.engine = &postgres_engine;
    world->batch.publisher = &postgres_publisher;
    world->batch.log = &world->log.log;
    world->batch.realtime = &world->realtime->store;
    open_publications(world);
}

static UNUSED void make_world(struct world *world, int32_t partitions)
{
    make_world_with(world, partitions, default_source, default_views);
}

static UNUSED void end_world(struct world *world)
{
    batch_close(&world->batch);
    memory_log_clean_up(&world->log);
    settings_destroy(world->settings);
    munmap(world->realtime, sizeof *world->realtime);
}

typedef bool world_step(struct batch *batch, const struct source *source, struct error *error);

/* A step in a process of its own, which dies at this place; NULL: it is left to be killed. */
static UNUSED pid_t start_step(struct world *world, world_step *step, const char *place)
{
    batch_disconnect(&world->batch);
    world->batch.publications->operations->destroy(world->batch.publications);
    open_publications(world);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    if (place)
        setenv("TIDEMARK_CRASH_AT", place, 1);
    struct error error;
    _exit(step(&world->batch, world->source, &error) ? 0 : 1);
}

/* Whether it died by SIGKILL. */
static UNUSED bool was_killed(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* One run in a process of its own that dies at this place; true where it came to that place. */
static UNUSED bool run_and_crash(struct world *world, const char *place)
{
    return was_killed(start_step(world, run_source, place));
}

/* What is published of a partition. */
static UNUSED struct published_partition published_partition(struct world *world, int32_t number)
{
    struct publication publication;
    if (!world->batch.publications->operations->read(world->batch.publications, world->source, &publication,
                                                     &world->error))
        fail_msg("%s", world->error.message);
    const struct published_partition *found = publication_partition(&publication, number);
    struct published_partition partition = found ? *found : (struct published_partition){0};
    publication_clean_up(&publication);
    return partition;
}

/* The speed layer has read each partition to the log's end, in slots that it began anew wherever the batch layer had
 * lost messages; those that aren't there begin with the log. */
static UNUSED void follow(struct world *world)
{
    for (int32_t i = 0; i < world->log.partition_count; i++) {
        struct slot *slot = &world->realtime->slots[i];
        if (!slot->exists)
            shared_slots_begin(world->realtime, i, world->log.partitions[i].first, 1, world->log.partitions[i].first);
        slot->next = world->log.partitions[i].end;
        slot->lost = published_partition(world, i).lost;
    }
}

/* `amount` and `quantity` as JSON, `at` as RFC 3339. */
static UNUSED int64_t order(struct world *world, int32_t partition, const char *id, const char *at, const char *amount,
                            const char *status)
{
    char payload[400];
    snprintf(payload, sizeof payload,
             "{\"order_id\": \"%s\", \"timestamp\": \"%s\", \"amount\": %s, \"status\": \"%s\", \"category\": \"c\", "
             "\"quantity\": 2}",
             id, at, amount, status);
    return memory_log_append(&world->log, partition, payload, -1);
}

/* Paid at noon of the first of January. */
static UNUSED void paid(struct world *world, int32_t partition, const char *id, const char *amount)
{
    order(world, partition, id, "2026-01-01T12:00:00Z", amount, "paid");
}

/* So many orders of 1.00 in partition 0, each with a key of its own. */
static UNUSED void paid_orders(struct world *world, int count)
{
    static int made;
    for (int i = 0; i < count; i++) {
        char id[20];
        snprintf(id, sizeof id, "p%d", ++made);
        paid(world, 0, id, "1.00");
    }
}

static UNUSED void run_ok(struct world *world)
{
    world->error = (struct error){0};
    if (!run_source(&world->batch, world->source, &world->error))
        fail_msg("%s", world->error.message);
}

static UNUSED void follow_and_run(struct world *world)
{
    follow(world);
    run_ok(world);
}

static UNUSED void run_fails(struct world *world, enum error_code code, const char *part)
{
    world->error = (struct error){0};
    assert_false(run_source(&world->batch, world->source, &world->error));
    if (world->error.code != code || !strstr(world->error.message, part))
        fail_msg("not \"%s\": %d, %s", part, (int)world->error.code, world->error.message);
}

static UNUSED void verify_ok(struct world *world)
{
    world->error = (struct error){0};
    if (!verify_source(&world->batch, world->source, &world->error))
        fail_msg("%s", world->error.message);
}

static UNUSED void sql(struct world *world, const char *statement)
{
    if (!batch_connect(&world->batch, &world->error) ||
        !connection_execute(world->batch.connection, statement, &world->error))
        fail_msg("%s", world->error.message);
}

/* All rows of a query, cells separated by a blank and rows by a newline, must be `expected`; null is "null". */
static UNUSED void assert_rows(struct world *world, const char *query, const char *expected)
{
    struct buffer rows = {0};
    PGresult *result;
    if (!batch_connect(&world->batch, &world->error) ||
        !connection_query(world->batch.connection, query, 0, NULL, &result, &world->error))
        fail_msg("%s", world->error.message);
    for (int row = 0; row < PQntuples(result); row++) {
        buffer_append_string(&rows, row ? "\n" : "");
        for (int column = 0; column < PQnfields(result); column++) {
            buffer_append_string(&rows, column ? " " : "");
            buffer_append_string(&rows, PQgetisnull(result, row, column) ? "null" : PQgetvalue(result, row, column));
        }
    }
    PQclear(result);
    assert_string_equal(buffer_string(&rows), expected);
    buffer_clean_up(&rows);
}

/* The server needs a moment to notice that a process which held the source's lock has died. */
static UNUSED void wait_for_lock(struct world *world)
{
    PGresult *result = NULL;
    bool free = false;
    while (!free) {
        assert_true(batch_connect(&world->batch, &world->error));
        assert_true(connection_query(world->batch.connection,
                                     "select count(*) = 0 from pg_locks l join pg_database d on d.oid = l.database "
                                     "where locktype = 'advisory' and datname = current_database()",
                                     0, NULL, &result, &world->error));
        free = *PQgetvalue(result, 0, 0) == 't';
        PQclear(result);
    }
}

#define DAILY "select window_start, order_count, total_revenue, avg_value from view.daily_revenue order by 1"
#define LEDGER "select sum(consumed), sum(kept), sum(replaced), sum(duplicate), sum(bad) from tidemark.partition"

#endif
