/* SPDX-License-Identifier: Apache-2.0
 * tidemark.yaml as structs, checked as a whole before anything connects. */
#ifndef TIDEMARK_CONFIG_SETTINGS_H
#define TIDEMARK_CONFIG_SETTINGS_H

#include "base/arena.h"
#include "base/property.h"
#include "config/location.h"
#include "config/schedule.h"
#include "config/zone_list.h"
#include "detect/detector.h"
#include "view/view.h"

/* A folder of files, or a table, whose columns are joined where the field `on` is the same. */
struct summary_join {
    const char *read; /* a path, or where it is a table "schema.table" */
    bool is_table;    /* of the configured database */
    size_t on;        /* number of the field */
};

#define JOINS_MAX 16

/* What computes a summary: where the file doesn't say, the formats of the day's files do. */
enum summary_engine_choice { SUMMARY_BY_FILES, SUMMARY_BY_DUCKDB, SUMMARY_BY_NATIVE, SUMMARY_BY_SPARK };

/* What a job of this kind makes of a business day's files. In the paths {date} stands for the day. */
struct summary {
    const struct source *source;
    const struct view *view;
    const char *read, *write;
    const struct summary_join *joins;
    size_t join_count;
    size_t partition_by[DIMENSIONS_MAX]; /* numbers of the view's dimensions */
    size_t partition_count;
    const char *version; /* the column that orders versions; NULL: the order of the files alone */
    enum summary_engine_choice engine;
    struct location engine_location; /* where the file says it */
    bool allow_empty;                /* a day without an order that counts is written, too */
};

/* What a job of this kind writes: a source's messages of a business day. */
struct archive {
    const struct source *source;
    const char *write;
};

/* What a query reads of a source: its messages, or what was made of them. */
struct query_read {
    const struct source *source;
    bool is_raw;
};

/* A statement of SQL that runs for a business day: in it $1 is the day and $2 the next, both of type date, and every
 * character stands where it stands in the file's text. */
struct query {
    const char *statement;
    const char *table;  /* `replace`: what the statement writes, as it is written in SQL; NULL: it may run again */
    const char *where;  /* which of its rows are replaced, with the same parameters */
    const char *create; /* makes `created` where it isn't there; NULL: nothing does */
    const char *created, *schema; /* as they are written in SQL; the latter NULL where none is named */
    bool has_day;                 /* it asks for one */
    const struct query_read *reads;
    size_t read_count;
    struct location location;
};

enum job_kind { JOB_PUBLISH, JOB_ARCHIVE, JOB_SUMMARISE, JOB_QUERY };

struct job {
    const char *name;
    enum job_kind kind;
    bool has_schedule; /* else it runs when it is asked to, or after others */
    struct schedule schedule;
    const struct job **after; /* those it follows */
    size_t after_count;
    size_t depth;                  /* 0 where it follows none, else one more than the deepest of them */
    int64_t retries;               /* how often a run that failed is begun again */
    int64_t timeout_us;            /* of a run */
    int64_t catch_up_us;           /* how far back what was missed is made up for; 0: the latest only */
    const struct source **sources; /* of JOB_PUBLISH: all of them where `sources:` isn't given */
    size_t source_count;
    struct archive archive; /* of JOB_ARCHIVE */
    struct summary summary; /* of JOB_SUMMARISE */
    struct query query;     /* of JOB_QUERY */
};

enum sink_kind { SINK_CONSOLE, SINK_KAFKA, SINK_POSTGRES, SINK_REDIS };

/* Where rows of a view go, in micro-batches. */
struct sink {
    const char *to; /* as it is written: it names the sink */
    enum sink_kind kind;
    const char *space, *name; /* schema and table, prefix and name, or NULL and topic */
    const struct view *view;
    const struct source *source;
    int64_t every_us;
    bool appends;        /* each row once it is final, else those that changed */
    bool takes_deferred; /* a state is taken that lacks only messages that are deferred */
};

/* Each of its runs is of a business day. */
bool job_has_days(const struct job *job);
/* It runs for each day that the jobs before it hand on, too: to run it once more replaces what it made. */
bool job_takes_handed_days(const struct job *job);

/* Where a property stands in the file. */
struct property_location {
    struct location name, value;
    bool is_expanded; /* something from the environment is in the value: may be a secret */
};

struct property_list {
    const struct property *entries;
    const struct property_location *locations; /* of the entries */
    size_t count;
};

#define WORKERS_MAX 256

struct settings {
    struct arena arena;     /* holds all below */
    struct zone_list zones; /* of all views */
    const char *path;
    const char *time_zone;
    const struct zone *zone; /* of time_zone */
    int64_t processors;      /* that this process may run on */

    struct {
        const char *brokers;             /* "127.0.0.1:9092" */
        const char *group;               /* the namespace below */
        struct property_list properties; /* passed on to librdkafka */
    } kafka;
    struct {
        const char *url;              /* redis://[user:password@]host:port/database, or unix:///path */
        struct location url_location; /* in the file */
        bool is_named;                /* the file has its URL */
        const char *password;         /* of `password_file`; NULL where not given */
        const char *name_space;       /* prefix of all keys: "tidemark" */
    } redis;
    struct {
        const char *url; /* any libpq connection string */
        struct location url_location;
        const char *password; /* of `password_file`; NULL where not given */
    } postgres;
    struct {
        const char *host; /* of `listen`, "127.0.0.1:8080"; a path of a unix socket begins with a slash */
        int port;
        bool insecure;           /* others than this machine may ask, and nobody is asked who he is */
        const char *tokens_file; /* who may ask; NULL: everybody */
        struct {
            const char *certificate, *key; /* paths of files in PEM; NULL, both: nothing is encrypted */
            struct location certificate_location, key_location;
        } tls;
        const char *metrics_host; /* of `metrics_listen`; NULL: none */
        int metrics_port;
        const char *const *origins; /* whose pages may read the answers: `allow_origins` */
        size_t origin_count;
        int64_t memory_bytes;  /* what the snapshot may hold: `memory`, 1 GiB */
        int64_t threads;       /* 2 */
        int64_t alerts_max;    /* of an alert topic, the newest that are held: `alerts`, 10,000 */
        int64_t streams_max;   /* event streams at a time: `streams`, 1,000 */
        int64_t push_every_us; /* how often a stream is told of what changed: `push_every`, 100 ms */
        int64_t refresh_us;    /* how often Redis is asked: `refresh`, 20 ms */
    } http;
    struct {
        const char *host; /* of `listen`: where it says how it is; NULL: a unix socket in the runtime folder */
        int port;
        int64_t workers;        /* threads that share what the group gives: as many as there are processors */
        int64_t flush_every_us; /* 50 ms */
        int64_t flush_messages; /* 100,000 */
        int64_t index_bytes;    /* ceiling of the order index of the process: `index_memory`, 1 GiB */
        int64_t groups_max;     /* ceiling of groups a view in one micro-batch: 100,000 */
        int64_t
            live_groups_max;    /* of a view in a partition's slot, after what is published: `live_groups`, 1,000,000 */
        int64_t live_bytes_max; /* of all views in a partition's slot, after what is published: `live_bytes`, 1 GiB */
    } speed;
    struct {
        const char *host; /* of `listen`, as that of speed */
        int port;
        const char *metrics_file; /* NULL: none is left */
        int64_t ingest_messages;  /* in one transaction: 100,000 */
        int64_t memory_bytes;     /* that the native engine keeps to: `memory`, 2 GiB */
        const char *spark_submit; /* what runs jobs of Spark: a path, or a name on the PATH */
        const char *spark_master; /* and where: local[*] is this machine */
        const char *duckdb;       /* the path of libduckdb.so; NULL: where deploy/install-duckdb puts it */
    } batch;

    struct {
        const char *host; /* of `listen`, as that of speed */
        int port;
    } emit;

    const struct source *sources;
    size_t source_count;
    const struct detector *detectors;
    size_t detector_count;
    const struct job *jobs;
    size_t job_count;
    const struct sink *sinks; /* in the order of the file */
    size_t sink_count;
    size_t job_depth; /* of the deepest */
};

/* Whether a source has a batch layer: else there is nothing for one to do, and no PostgreSQL. */
bool settings_have_batch_layer(const struct settings *settings);

/* Forgets all of it; NULL is nothing. */
void settings_destroy(struct settings *settings);

const struct source *settings_source(const struct settings *settings, struct text name); /* NULL: none */
/* The view with this name and its source, or NULL. Names of views are unique in the file. */
const struct view *settings_view(const struct settings *settings, struct text name, const struct source **ret_source);

/* Whether the installation has a Redis: where no source has a speed layer it need not be, and is where the file names
 * one. */
bool settings_have_redis(const struct settings *settings);

const struct job *settings_job(const struct settings *settings, struct text name); /* NULL: none */
/* The folder that a job writes for a day, as in the file; NULL where it writes none. */
const char *job_folder(const struct job *job);
const struct detector *settings_detector(const struct settings *settings, struct text name); /* NULL: none */

#endif
