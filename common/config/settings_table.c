/* SPDX-License-Identifier: Apache-2.0
 * The keys of tidemark.yaml, but for those inside sources, views, detectors and jobs. */
#include <stddef.h>

#include "config/assembly_steps.h"
#include "config/setting_types.h"

#define MS_US INT64_C(1000)
#define MINUTE_US (INT64_C(60) * 1000 * MS_US)
#define MIB (INT64_C(1) << 20)
#define TIB (INT64_C(1) << 40)
#define AT(member) .offset = offsetof(struct assembly, member)
#define AND_AT(member) .second_offset = offsetof(struct assembly, member)

static const struct option kafka_options[] = {
    {.key = "brokers",
     .type = &setting_brokers,
     AT(settings.kafka.brokers),
     .fallback = "127.0.0.1:9092",
     .meaning = "Where to begin: host:port; several are a list, or have commas between.",
     .example = "[kafka-1:9092, kafka-2:9092]"},
    {.key = "group",
     .type = &setting_group,
     AT(settings.kafka.group),
     .meaning = "The consumer group that shares the partitions among speed processes; without it that is the value of "
                "`redis.namespace`. Two installations must not have one group.",
     .example = "tidemark"},
    {.key = "properties",
     .type = &setting_properties,
     AT(settings.kafka.properties),
     .meaning =
         "Any property of librdkafka, such as those of TLS and SASL. Refused are those that exactly-once rests "
         "on: `group.id`, `group.instance.id`, `enable.auto.commit`, `enable.auto.offset.store`, `auto.offset.reset`, "
         "`enable.partition.eof`, `isolation.level`, `partition.assignment.strategy`, `transactional.id`, "
         "`enable.idempotence`, and the brokers' addresses.",
     .example = "{ security.protocol: ssl }"},
    {.key = NULL},
};

static const struct option redis_options[] = {
    {.key = "url",
     .type = &setting_redis_url,
     AT(settings.redis.url),
     AND_AT(settings.redis.url_location),
     .fallback = "redis://127.0.0.1:6379/0",
     .meaning = "`redis://[user[:password]@]host[:port][/database]` or `unix:///path`.",
     .example = "redis://redis.internal:6379/0"},
    {.key = "password_file",
     .type = &option_secret,
     AT(settings.redis.password),
     .meaning = "A file whose first line is the password; it goes before one in the URL.",
     .example = "/run/secrets/redis"},
    {.key = "namespace",
     .type = &setting_prefix,
     AT(settings.redis.name_space),
     .fallback = "tidemark",
     .meaning = "What all keys begin with, so that one Redis can serve several installations.",
     .example = "staging"},
    {.key = NULL},
};

static const struct option postgres_options[] = {
    {.key = "url",
     .type = &setting_postgres_url,
     AT(settings.postgres.url),
     AND_AT(settings.postgres.url_location),
     .fallback = "postgresql://tidemark@127.0.0.1/tidemark",
     .meaning = "Any connection string of libpq.",
     .example = "host=/run/postgresql dbname=tidemark"},
    {.key = "password_file",
     .type = &option_secret,
     AT(settings.postgres.password),
     .meaning = "A file whose first line is the password; it goes before one in the URL.",
     .example = "/run/secrets/postgres"},
    {.key = NULL},
};

static const struct option tls_options[] = {
    {.key = "certificate",
     .type = &setting_located_path,
     AT(settings.http.tls.certificate),
     AND_AT(settings.http.tls.certificate_location),
     .required = true,
     .meaning = "The server's certificate in PEM, and behind it those that lead to one that others trust.",
     .example = "/etc/tidemark/tls/fullchain.pem"},
    {.key = "key",
     .type = &setting_located_path,
     AT(settings.http.tls.key),
     AND_AT(settings.http.tls.key_location),
     .required = true,
     .meaning = "Its private key in PEM, without a passphrase.",
     .example = "/etc/tidemark/tls/privkey.pem"},
    {.key = NULL},
};

static const struct option http_options[] = {
    {.key = "listen",
     .type = &option_address,
     AT(settings.http.host),
     AND_AT(settings.http.port),
     .fallback = "127.0.0.1:8080",
     .meaning = "Where the serving layer answers. Beyond this machine only with `tokens_file`, or with `insecure`.",
     .example = "0.0.0.0:8080"},
    {.key = "insecure",
     .type = &option_boolean,
     AT(settings.http.insecure),
     .fallback = "false",
     .meaning =
         "Whether `listen` may be an address that others than this machine reach: whoever gets there is answered, "
         "without a password, and without encryption where there is no `tls`. Right behind a proxy that asks both, or "
         "in a network of containers.",
     .example = "true"},
    {.key = "tokens_file",
     .type = &option_text,
     AT(settings.http.tokens_file),
     .meaning =
         "A file that says who may ask for what, [see there](operations.md#who-may-ask); it is read again when it "
         "changes. Without it everybody may ask for everything.",
     .example = "/etc/tidemark/tokens.yaml"},
    {.key = "tls",
     .type = &option_optional_section,
     .options = tls_options,
     .meaning =
         "Encrypts what `listen` answers, by TLS 1.2 and up. The files are read again within a second or so of a "
         "change; an error keeps the old ones, [and is an alarm](operations.md#encryption)."},
    {.key = "metrics_listen",
     .type = &option_address,
     AT(settings.http.metrics_host),
     AND_AT(settings.http.metrics_port),
     .meaning = "Where `/metrics`, `/livez` and `/readyz` are answered too, and nothing else: without a token, for "
                "Prometheus.",
     .example = "127.0.0.1:8081"},
    {.key = "allow_origins",
     .type = &setting_origins,
     AT(settings.http.origins),
     AND_AT(settings.http.origin_count),
     .meaning = "Other origins whose pages may read the answers (CORS), or `\"*\"` for all.",
     .example = "[\"https://board.example.com\"]"},
    {.key = "memory",
     .type = &option_size,
     AT(settings.http.memory_bytes),
     .minimum = MIB,
     .maximum = TIB,
     .fallback = "1 GiB",
     .meaning = "What the snapshot that answers are made from may hold.",
     .example = "4 GiB"},
    {.key = "threads",
     .type = &option_integer,
     AT(settings.http.threads),
     .minimum = 1,
     .maximum = 256,
     .fallback = "2",
     .meaning = "Threads that answer requests.",
     .example = "8"},
    {.key = "alerts",
     .type = &option_integer,
     AT(settings.http.alerts_max),
     .minimum = 1,
     .maximum = 1000000,
     .fallback = "10000",
     .meaning = "The newest alerts of each alert topic that are answered.",
     .example = "1000"},
    {.key = "streams",
     .type = &option_integer,
     AT(settings.http.streams_max),
     .minimum = 0,
     .maximum = 100000,
     .fallback = "1000",
     .meaning = "Event streams that may be open at a time, beside 1,024 connections for requests.",
     .example = "200"},
    {.key = "push_every",
     .type = &option_duration,
     AT(settings.http.push_every_us),
     .minimum = 10 * MS_US,
     .maximum = MINUTE_US,
     .fallback = "100 ms",
     .meaning = "How often an event stream is told of what has changed, at most.",
     .example = "1 second"},
    {.key = "refresh",
     .type = &option_duration,
     AT(settings.http.refresh_us),
     .minimum = MS_US,
     .maximum = MINUTE_US,
     .fallback = "20 ms",
     .meaning = "How often Redis is asked for what has changed.",
     .example = "100 ms"},
    {.key = NULL},
};

static const struct option speed_options[] = {
    {.key = "listen",
     .type = &option_address,
     AT(settings.speed.host),
     AND_AT(settings.speed.port),
     .meaning =
         "Where `/livez`, `/readyz` and `/metrics` are answered, to whoever gets there. Where it isn't given, on a "
         "unix socket in the runtime folder (`$RUNTIME_DIRECTORY`, `/run/tidemark` of root, "
         "`$XDG_RUNTIME_DIR/tidemark` or `/tmp/tidemark-UID`), which `tidemark-speed probe` finds by itself.",
     .example = "127.0.0.1:9101"},
    {.key = "workers",
     .type = &option_integer,
     AT(settings.speed.workers),
     .minimum = 1,
     .maximum = WORKERS_MAX,
     .meaning = "Threads that share the partitions which the group gives the process. Where it isn't given, as many as "
                "there are processors for it.",
     .example = "4"},
    {.key = "flush_every",
     .type = &option_duration,
     AT(settings.speed.flush_every_us),
     .minimum = MS_US,
     .maximum = MINUTE_US,
     .fallback = "50 ms",
     .meaning =
         "The longest that a micro-batch gathers messages before it is committed. Where nothing more has come it is "
         "committed sooner, up to five times as often, as long as that takes no more than a fiftieth of a "
         "worker's time. A partition that is behind its log's end gathers for longer, a second at most, where commits "
         "of all partitions would take more than a twentieth of it.",
     .example = "200 ms"},
    {.key = "flush_messages",
     .type = &option_integer,
     AT(settings.speed.flush_messages),
     .minimum = 1,
     .maximum = 1000000,
     .fallback = "100000",
     .meaning = "The most messages of a partition in a micro-batch. Few make Redis rewrite the same cells more often "
                "while much is read at once.",
     .example = "20000"},
    {.key = "index_memory",
     .type = &option_size,
     AT(settings.speed.index_bytes),
     .minimum = MIB,
     .maximum = TIB,
     .fallback = "1 GiB",
     .meaning = "Ceiling of the order index of the process. Where it is reached the oldest orders leave.",
     .example = "8 GiB"},
    {.key = "groups",
     .type = &option_integer,
     AT(settings.speed.groups_max),
     .minimum = 1,
     .maximum = 10000000,
     .fallback = "100000",
     .meaning = "The most groups that a view may touch in one micro-batch; a fuller one is committed in parts. No more "
                "than a 32nd of `live_groups` counts.",
     .example = "20000"},
    {.key = "live_groups",
     .type = &option_integer,
     AT(settings.speed.live_groups_max),
     .minimum = 1,
     .maximum = 1000000000,
     .fallback = "1000000",
     .meaning =
         "The most groups that a view may have in Redis for one partition, after what is published. At half of it "
         "`tidemark-batch schedule` publishes at once. A partition that would exceed it waits for a batch run, with "
         "an alarm; groups are never folded together.",
     .example = "5000000"},
    {.key = "live_bytes",
     .type = &option_size,
     AT(settings.speed.live_bytes_max),
     .minimum = MIB / 16,
     .maximum = TIB,
     .fallback = "1 GiB",
     .meaning =
         "The same in bytes, of all views together: the text of each group and 100 bytes, which is about what Redis "
         "takes for it.",
     .example = "4 GiB"},
    {.key = NULL},
};

static const struct option emit_options[] = {
    {.key = "listen",
     .type = &option_address,
     AT(settings.emit.host),
     AND_AT(settings.emit.port),
     .meaning = "Where `tidemark-serving emit` answers `/livez`, `/readyz` and `/metrics`; as that of `speed`.",
     .example = "127.0.0.1:9103"},
    {.key = NULL},
};

static const struct option batch_options[] = {
    {.key = "listen",
     .type = &option_address,
     AT(settings.batch.host),
     AND_AT(settings.batch.port),
     .meaning = "Where `tidemark-batch schedule` answers `/livez`, `/readyz` and `/metrics`; as that of `speed`.",
     .example = "127.0.0.1:9102"},
    {.key = "ingest_messages",
     .type = &option_integer,
     AT(settings.batch.ingest_messages),
     .minimum = 1,
     .maximum = 10000000,
     .fallback = "100000",
     .meaning = "The most messages taken into the master dataset in one transaction.",
     .example = "50000"},
    {.key = "memory",
     .type = &option_size,
     AT(settings.batch.memory_bytes),
     .minimum = 64 * MIB,
     .maximum = TIB,
     .fallback = "2 GiB",
     .meaning =
         "What a summary by the engine `native` may hold in memory. Versions of orders that don't fit go to files "
         "in the folder that is made; where groups or values to be told apart don't, the job fails and says how "
         "much would do.",
     .example = "8 GiB"},
    {.key = "duckdb",
     .type = &option_text,
     AT(settings.batch.duckdb),
     .meaning = "The library that jobs over files write Parquet with, `libduckdb.so`. Without it, that is where "
                "`deploy/install-duckdb` puts it.",
     .example = "/opt/duckdb/libduckdb.so"},
    {.key = "spark_submit",
     .type = &option_text,
     AT(settings.batch.spark_submit),
     .fallback = "spark-submit",
     .meaning = "What runs summaries by the engine `spark`: a path, or a name on the PATH.",
     .example = "/opt/spark/bin/spark-submit"},
    {.key = "spark_master",
     .type = &option_text,
     AT(settings.batch.spark_master),
     .fallback = "local[*]",
     .meaning =
         "The cluster that it runs them on; `local[*]` is this machine. All of its machines see the folders under "
         "the same paths.",
     .example = "spark://spark-master:7077"},
    {.key = "metrics_file",
     .type = &option_text,
     AT(settings.batch.metrics_file),
     .meaning =
         "A file, in a folder that is there, that `tidemark-batch run` leaves its metrics in when it ends: for the "
         "textfile collector of Prometheus' node exporter.",
     .example = "/var/lib/prometheus/node-exporter/tidemark.prom"},
    {.key = NULL},
};

const struct option settings_options[] = {
    {.key = "time_zone",
     .type = &option_text,
     AT(settings.time_zone),
     .fallback = "UTC",
     .meaning = "Where a day begins, for views that don't say, and what the cron lines of jobs mean.",
     .example = "Europe/London"},
    {.key = "kafka",
     .type = &option_section,
     .options = kafka_options,
     .meaning = "The log that everything comes from."},
    {.key = "redis",
     .type = &option_section,
     .options = redis_options,
     .meaning = "The store of the real-time views: Redis 7."},
    {.key = "postgres",
     .type = &option_section,
     .options = postgres_options,
     .meaning = "The store of the master dataset and of the batch views: PostgreSQL 15."},
    {.key = "http", .type = &option_section, .options = http_options, .meaning = "The serving layer."},
    {.key = "speed", .type = &option_section, .options = speed_options, .meaning = "The speed layer."},
    {.key = "batch", .type = &option_section, .options = batch_options, .meaning = "The batch layer."},
    {.key = "emit",
     .type = &option_section,
     .options = emit_options,
     .meaning = "What `tidemark-serving emit` needs beside the sinks of the views."},
    {.key = "sources",
     .type = &option_map,
     AT(sources_node),
     .required = true,
     .options = source_options,
     .entry = "<source>",
     .meaning =
         "Topics and what their messages are, by name. At least one, at most 64. A name is of letters, digits, `_` "
         "and `-`, at most 40."},
    {.key = "views",
     .type = &option_map,
     AT(views_node),
     .options = view_options,
     .entry = "<view>",
     .meaning = "What is computed, by name; names are unique among all sources, and a source has at most 64 views."},
    {.key = "detectors",
     .type = &option_map,
     AT(detectors_node),
     .options = detector_options,
     .entry = "<detector>",
     .meaning =
         "Rules that judge each message of a source as it comes, by name; what fulfils one is alerted to a topic, "
         "exactly once. At most 16."},
    {.key = "jobs",
     .type = &option_map,
     AT(jobs_node),
     .options = job_options,
     .entry = "<job>",
     .meaning = "What the batch layer does, by name: publishing the views of sources, or summarising files of a lake. "
                "`tidemark-batch schedule` runs those with a `schedule`, `tidemark-batch run JOB` each. At most 64."},
    {.key = NULL},
};
