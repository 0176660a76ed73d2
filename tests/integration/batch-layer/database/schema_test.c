/* SPDX-License-Identifier: Apache-2.0
 * The tables follow the program's version and the definitions. */
#include "batch_fixture.h"

static void database_of_an_older_version_is_migrated(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    paid_orders(&world, 3);
    memory_log_append(&world.log, 0, "{", NOON_US);
    paid(&world, 1, "a", "1.00");
    follow_and_run(&world);
    sql(&world,
        "alter table tidemark.partition drop column held; alter table tidemark.source drop column split_orders, "
        "drop column fingerprint; "
        "alter table tidemark.run drop column moved; alter table tidemark.partition drop column unread, drop column "
        "untimed_us, drop column last_offset, drop column last_hash, drop column idle_us; alter table tidemark.view "
        "drop column late; "
        "alter table tidemark.current_orders drop constraint "
        "\"current_orders.key\", add constraint current_orders_key primary key (tm_partition, tm_key); "
        "alter index tidemark.\"current_orders.event\" rename to current_orders_event; "
        "alter table raw.orders rename constraint \"orders.key\" to orders_pkey; "
        "alter table tidemark.view drop column columns; alter index view.\"by_category.window\" rename to "
        "new_by_category_tm_window_idx; drop table tidemark.changed_day, tidemark.taken_day; "
        "drop schema live cascade; alter table raw.orders drop column date, drop column timestamp; "
        "alter table tidemark.source drop column time_zone; "
        "delete from tidemark.schema_version where version >= 3");
    verify_ok(&world);
    assert_rows(&world,
                "select relname from pg_class where relkind = 'i' and (relnamespace in ('raw'::regnamespace, "
                "'view'::regnamespace) or relname like 'current%') order by 1",
                "by_category.window\ncurrent_orders.event\ncurrent_orders.key\ndaily_revenue.window\norders.key");
    assert_rows(&world, "select partition, held from tidemark.partition order by 1", "0 4\n1 1");
    order(&world, 0, "b", "2026-01-02T12:00:00Z", "1.00", "paid");
    follow_and_run(&world);
    verify_ok(&world);
    assert_rows(&world, "select day from tidemark.changed_day order by 1", "2026-01-01\n2026-01-02");
    assert_rows(&world, "select date, count(*) from live.orders group by date order by 1",
                "2026-01-01 4\n2026-01-02 1");
    end_world(&world);
}

static const char indexes_of_orders[] = "select relname from pg_class where relkind = 'i' and relnamespace = "
                                        "'raw'::regnamespace order by 1";

static void first_ingestion_that_was_stopped_is_indexed_by_the_next(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 2);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    assert_rows(&world, indexes_of_orders, "orders.date\norders.key");
    sql(&world, "alter table raw.orders drop constraint \"orders.key\"; drop index raw.\"orders.date\"");
    paid(&world, 1, "b", "2.00");
    follow_and_run(&world);
    assert_rows(&world, indexes_of_orders, "orders.date\norders.key");
    verify_ok(&world);
    end_world(&world);
}

static void message_that_is_twice_in_the_master_dataset_is_not_published(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    sql(&world, "alter table raw.orders drop constraint \"orders.key\"; insert into raw.orders table raw.orders");
    paid(&world, 0, "b", "2.00");
    follow(&world);
    run_fails(&world, ERROR_CONFIGURATION, "could not create unique index");
    sql(&world, "delete from raw.orders where ctid > (select min(ctid) from raw.orders)");
    follow_and_run(&world);
    assert_rows(&world, indexes_of_orders, "orders.date\norders.key");
    verify_ok(&world);
    end_world(&world);
}

static void newer_database_is_refused_with_both_versions(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    follow_and_run(&world);
    sql(&world, "update tidemark.schema_version set version = 99");
    char both[80];
    snprintf(both, sizeof both, "schema version 99 and this program knows up to %d", POSTGRES_SCHEMA_VERSION);
    run_fails(&world, ERROR_CONFIGURATION, both);
    sql(&world, "update tidemark.schema_version set version = 1");
    end_world(&world);
}

static void view_defined_anew_is_made_anew(void **state)
{
    (void)state;
    static const char other[] = "views:\n"
                                "  daily_revenue:\n"
                                "    source: orders\n"
                                "    window: tumbling 1 day\n"
                                "    dimensions: [status]\n"
                                "    measures: { order_count: count, total_revenue: sum(amount) }\n";
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    order(&world, 0, "b", "2026-01-01T12:00:00Z", "2.00", "cancelled");
    follow_and_run(&world);
    configure(&world, default_source, other);
    follow_and_run(&world);
    assert_rows(&world, "select status, order_count, total_revenue from view.daily_revenue order by 1",
                "cancelled 1 2.00\npaid 1 1.00");
    assert_rows(&world, "select fingerprint from tidemark.view order by name limit 1", "");
    assert_rows(&world, "select windows from tidemark.touched where epoch = 2", "null");
    verify_ok(&world);
    end_world(&world);
}

static void field_that_is_new_gets_a_column_and_a_changed_one_is_refused(void **state)
{
    (void)state;
    char source[sizeof default_source + 40];
    struct world world;
    make_world(&world, 1);
    paid(&world, 0, "a", "1.00");
    follow_and_run(&world);
    snprintf(source, sizeof source, "%s      country: text\n", default_source);
    configure(&world, source, default_views);
    paid(&world, 0, "b", "1.00");
    follow_and_run(&world);
    assert_rows(&world, "select count(*), count(country) from raw.orders", "2 0");
    verify_ok(&world);
    char *amount = strstr(source, "decimal(2)");
    memcpy(amount, "decimal(1)", 10);
    configure(&world, source, default_views);
    run_fails(&world, ERROR_CONFIGURATION, "field amount is numeric(18,2) in the database and numeric(18,1) in the");
    end_world(&world);
}

static void remake_database(const char *encoding)
{
    char line[400];
    snprintf(line, sizeof line,
             "psql -h %s -U tidemark -d postgres -qc 'drop database test%d with (force)' -c \"create database test%d "
             "template "
             "template0 encoding '%s'\"",
             server.folder, databases, databases, encoding);
    assert_int_equal(system(line), 0);
}

/* A text that Latin-1 doesn't have, with all that SQL and COPY quote. */
static void append_foreign_order(struct world *world, const char *id)
{
    char payload[300];
    snprintf(payload, sizeof payload,
             "{\"order_id\": \"%s\", \"timestamp\": \"2026-01-01T12:00:00Z\", \"amount\": 1.00, \"status\": \"paid\", "
             "\"category\": \"\u8336\\\\ \xe8\x8c\xb6 \xf0\x9f\x8d\xb5 \\t'\", \"quantity\": 2}",
             id);
    memory_log_append(&world->log, 0, payload, -1);
}

static void database_of_an_encoding_without_all_characters_is_refused_by_its_name(void **state)
{
    (void)state;
    static const char *const encodings[] = {"LATIN1", "WIN1252", "EUC_JP"};
    struct world world;
    make_world(&world, 1);
    append_foreign_order(&world, "a");
    follow(&world);
    for (size_t i = 0; i < COUNT_OF(encodings); i++) {
        char part[60];
        remake_database(encodings[i]);
        snprintf(part, sizeof part, "has the encoding %s, which can't hold", encodings[i]);
        run_fails(&world, ERROR_CONFIGURATION, part);
        batch_disconnect(&world.batch);
        world.batch.publications->operations->destroy(world.batch.publications);
        open_publications(&world);
    }
    end_world(&world);
}

static void database_without_an_encoding_keeps_every_text(void **state)
{
    (void)state;
    struct world world;
    make_world(&world, 1);
    remake_database("SQL_ASCII");
    append_foreign_order(&world, "a");
    append_foreign_order(&world, "b");
    follow_and_run(&world);
    append_foreign_order(&world, "a");
    follow_and_run(&world);
    verify_ok(&world);
    assert_rows(&world, "select category, order_count from view.by_category",
                "\xe8\x8c\xb6\\ \xe8\x8c\xb6 \xf0\x9f\x8d\xb5 \t' 2");
    end_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(database_of_an_older_version_is_migrated),
        cmocka_unit_test(first_ingestion_that_was_stopped_is_indexed_by_the_next),
        cmocka_unit_test(message_that_is_twice_in_the_master_dataset_is_not_published),
        cmocka_unit_test(newer_database_is_refused_with_both_versions),
        cmocka_unit_test(database_of_an_encoding_without_all_characters_is_refused_by_its_name),
        cmocka_unit_test(database_without_an_encoding_keeps_every_text),
        cmocka_unit_test(view_defined_anew_is_made_anew),
        cmocka_unit_test(field_that_is_new_gets_a_column_and_a_changed_one_is_refused),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
