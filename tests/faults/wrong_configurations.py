# SPDX-License-Identifier: Apache-2.0
"""Files that no program may start with: each as the good file GOOD with a piece put in the place of another, or as a
whole text; and where the first error is, and a word that it must have. And a few that look wrong and are right."""

GOOD = """time_zone: Europe/London
kafka: { brokers: "127.0.0.1:@KAFKA@", group: tidemark }
redis: { url: "redis://127.0.0.1:@REDIS@/0", namespace: tidemark }
postgres: { url: "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark" }
http: { listen: "127.0.0.1:@HTTP@" }
speed: { workers: 1, flush_every: 50 ms }
sources:
  orders:
    topic: kafka://orders
    key: order_id
    event_time: timestamp
    on_duplicate: replace
    horizon: 48 hours
    dead_letter: kafka://orders-dead-letter
    fields: { order_id: text, category: text, amount: decimal(2), quantity: integer, status: text }
views:
  daily_revenue:
    source: orders
    where: status <> 'cancelled' and amount > 0
    window: tumbling 1 day
    dimensions: [category]
    measures: { order_count: count, total_revenue: sum(amount) }
jobs:
  nightly: { schedule: "0 2 * * *" }
"""

# (what is wrong, the piece of GOOD, what stands there instead, line:column of the first error, a word of it)
PIECES = [
    # unknown and duplicate keys
    ("key_at_the_top_misspelt", "time_zone:", "time_zome:", "1:1", "time_zone"),
    ("section_misspelt", "kafka: {", "kafak: {", "2:1", "kafka"),
    ("key_of_kafka_misspelt", "group: tidemark", "gruop: tidemark", "2:38", "group"),
    ("key_of_redis_misspelt", "namespace:", "namspace:", "3:44", "namespace"),
    ("key_of_http_misspelt", "listen:", "lisen:", "5:9", "listen"),
    ("key_of_speed_misspelt", "flush_every:", "flush_evry:", "6:22", "flush_every"),
    ("key_of_source_misspelt", "horizon:", "horzion:", "13:5", "horizon"),
    ("key_of_view_misspelt", "dimensions:", "dimension:", "21:5", "dimensions"),
    ("key_of_job_misspelt", "schedule:", "shedule:", "24:14", "did you mean \"schedule\""),
    ("wrong_case_of_a_key", "time_zone:", "Time_zone:", "1:1", "Time_zone"),
    ("key_from_another_system", "speed: {", "speed: { parallelism: 4,", "6:10", "parallelism"),
    ("duplicate_key_at_the_top", "jobs:", "time_zone: UTC\njobs:", "23:1", "first given at 1:1"),
    ("duplicate_key_in_a_flow_map", "group: tidemark", "group: a, group: b", "2:48", "duplicate"),
    ("duplicate_key_quoted_once", "    horizon: 48 hours", "    horizon: 48 hours\n    \"horizon\": 1 hour", "14:5", "duplicate"),
    ("duplicate_field", "quantity: integer", "amount: integer", "15:67", "duplicate"),
    ("duplicate_view", "jobs:", "views: {}\njobs:", "23:1", "duplicate"),
    ("duplicate_measure", "total_revenue: sum(amount)", "order_count: sum(amount)", "22:37", "duplicate"),
    # wrong types
    ("number_where_a_map_is_due", 'kafka: { brokers: "127.0.0.1:@KAFKA@", group: tidemark }', "kafka: 9092", "2:8", "map"),
    ("list_where_a_map_is_due", "jobs:\n  nightly: { schedule: \"0 2 * * *\" }", "jobs: [nightly]", "23:7", "map"),
    ("map_where_a_word_is_due", "time_zone: Europe/London", "time_zone: { name: UTC }", "1:12", "map"),
    ("list_where_a_word_is_due", "topic: kafka://orders", "topic: [kafka://orders]", "9:12", "list"),
    ("word_where_a_list_is_due", "dimensions: [category]", "dimensions: category", "21:17", "list"),
    ("map_inside_a_list", "dimensions: [category]", "dimensions: [{ category: 1 }]", "21:18", ""),
    ("word_where_a_number_is_due", "workers: 1", "workers: many", "6:19", "many"),
    ("fraction_where_a_whole_number_is_due", "workers: 1", "workers: 1.5", "6:19", "1.5"),
    ("number_below_its_range", "workers: 1", "workers: 0", "6:19", "1"),
    ("negative_number", "workers: 1", "workers: -1", "6:19", "1 to 256"),
    ("number_beyond_64_bits", "workers: 1", "workers: 99999999999999999999", "6:19", ""),
    ("hexadecimal_number", "workers: 1", "workers: 0x10", "6:19", "0x10"),
    ("duration_without_a_unit", "flush_every: 50 ms", "flush_every: 50", "6:35", "50"),
    ("duration_of_an_unknown_unit", "flush_every: 50 ms", "flush_every: 50 jiffies", "6:35", "jiffies"),
    ("duration_of_a_misspelt_unit", "horizon: 48 hours", "horizon: 48 huors", "13:14", 'did you mean "hours"?'),
    ("duration_of_two_units", "horizon: 48 hours", "horizon: 1 hour 30 minutes", "13:14", "unit"),
    ("duration_with_a_fraction", "horizon: 48 hours", "horizon: 1.5 days", "13:14", "whole"),
    ("size_of_thousands", "speed: {", "speed: { index_memory: 1 GB,", "6:24", 'did you mean "GiB"?'),
    ("number_with_an_exponent", "workers: 1", "workers: 1e1", "6:19", "1e1"),
    ("number_of_two_lines_from_the_environment", "workers: 1", 'workers: "${TIDEMARK_NOT_SET:-1\\n2}"', "6:19", "whole number"),
    ("duration_out_of_range", "flush_every: 50 ms", "flush_every: 2 hours", "6:35", ""),
    ("negative_duration", "horizon: 48 hours", "horizon: -48 hours", "13:14", ""),
    ("null_where_something_is_required", "topic: kafka://orders", "topic: ~", "9:12", "nothing is given"),
    ("nothing_where_something_is_required", "topic: kafka://orders", "topic:", "9:5", "nothing is given"),
    ("empty_text", "key: order_id", 'key: ""', "10:10", ""),
    # what is required is missing
    ("no_topic", "    topic: kafka://orders\n", "", "8:3", "topic"),
    ("no_key", "    key: order_id\n", "", "8:3", "key"),
    ("no_event_time", "    event_time: timestamp\n", "", "8:3", "event_time"),
    ("no_window", "    window: tumbling 1 day\n", "", "17:3", "window"),
    ("no_measures", "    measures: { order_count: count, total_revenue: sum(amount) }\n", "", "17:3", "measures"),
    ("no_source_of_a_view", "    source: orders\n", "", "17:3", "source"),
    # cron lines, zones, addresses
    ("cron_minute_of_61", '"0 2 * * *"', '"61 2 * * *"', "24:24", "61"),
    ("cron_line_of_four_fields", '"0 2 * * *"', '"0 2 * *"', "24:24", ""),
    ("cron_line_of_six_fields", '"0 2 * * *"', '"0 2 * * * *"', "24:24", ""),
    ("cron_line_of_words", '"0 2 * * *"', '"every night"', "24:24", ""),
    ("cron_step_of_nothing", '"0 2 * * *"', '"*/0 2 * * *"', "24:24", ""),
    ("cron_day_that_never_comes", '"0 2 * * *"', '"0 2 31 2 *"', "24:24", ""),
    ("cron_line_empty", '"0 2 * * *"', '""', "24:24", ""),
    ("cron_line_without_quotes", '"0 2 * * *"', "* 2 * * *", "24:24", "quotes"),
    ("cron_day_misspelt", '"0 2 * * *"', '"0 2 * * mno"', "24:24", 'did you mean "mon"?'),
    ("cron_nickname", '"0 2 * * *"', '"@reboot"', "24:24", "five fields"),
    ("cron_range_backwards", '"0 2 * * *"', '"0 5-1 * * *"', "24:24", "backwards"),
    ("source_of_a_job_misspelt", '"0 2 * * *" }', '"0 2 * * *", sources: [ordesr] }', "24:47", 'did you mean "orders"?'),
    ("zone_misspelt", "Europe/London", "Europe/Londno", "1:12", "Europe/London"),
    ("region_of_a_zone_misspelt", "Europe/London", "Amercia/New_York", "1:12", 'did you mean "America/New_York"?'),
    ("zone_that_leaves_its_folder", "Europe/London", "../../etc/passwd", "1:12", "passwd"),
    ("zone_with_a_path", "Europe/London", "/etc/localtime", "1:12", "localtime"),
    ("zone_of_a_view_misspelt", "window: tumbling 1 day", "window: tumbling 1 day\n    time_zone: Mars/Base", "21:16", "Mars/Base"),
    ("port_of_a_broker_of_no_number", "127.0.0.1:@KAFKA@", "127.0.0.1:kafka", "2:20", "host:port"),
    ("second_broker_without_a_host", "127.0.0.1:@KAFKA@", "127.0.0.1:1, :2", "2:33", "host:port"),
    ("brokers_with_a_blank_between", "127.0.0.1:@KAFKA@", "127.0.0.1:1 127.0.0.1:2", "2:20", "commas"),
    ("scheme_before_a_broker", "127.0.0.1:@KAFKA@", "kafka://127.0.0.1:1", "2:20", "host:port"),
    ("group_of_300_letters", "group: tidemark", "group: " + "g" * 300, "2:45", "200"),
    ("port_of_no_number", "127.0.0.1:@HTTP@", "127.0.0.1:http", "5:17", ""),
    ("port_above_65535", "127.0.0.1:@HTTP@", "127.0.0.1:65536", "5:17", "port"),
    ("port_below_0", "127.0.0.1:@HTTP@", "127.0.0.1:-1", "5:17", ""),
    ("port_missing", "127.0.0.1:@HTTP@", "127.0.0.1", "5:17", ""),
    ("url_of_redis_of_another_kind", "redis://127.0.0.1:@REDIS@/0", "http://127.0.0.1:1/", "3:15", "redis://"),
    ("url_of_redis_with_a_bad_port", "redis://127.0.0.1:@REDIS@/0", "redis://127.0.0.1:70000/0", "3:15", ""),
    ("url_of_redis_with_a_bad_database", "redis://127.0.0.1:@REDIS@/0", "redis://127.0.0.1:1/zero", "3:15", ""),
    ("url_of_postgres_of_another_kind", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "mysql://a/b", "4:18", ""),
    ("url_of_redis_with_two_slashes", "redis://127.0.0.1:@REDIS@/0", "redis://127.0.0.1:1//0", "3:15", "host"),
    ("url_of_redis_with_a_bad_escape", "redis://127.0.0.1:@REDIS@/0", "redis://:a%zz@127.0.0.1:1/0", "3:15", "escape"),
    ("url_of_redis_with_too_high_a_database", "redis://127.0.0.1:@REDIS@/0", "redis://127.0.0.1:1/70000", "3:15", "database"),
    ("url_of_postgres_with_a_bad_port", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "postgresql://127.0.0.1:99999/d", "4:18", "port"),
    ("url_of_postgres_with_a_misspelt_option", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "postgresql://127.0.0.1:1/d?sslmod=require", "4:18", 'did you mean "sslmode"?'),
    ("line_of_postgres_with_a_misspelt_option", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "host=127.0.0.1 port=1 dbnam=d", "4:18", 'did you mean "dbname"?'),
    ("url_of_postgres_with_an_unknown_sslmode", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "postgresql://127.0.0.1:1/d?sslmode=required", "4:18", 'did you mean "require"?'),
    ("line_of_postgres_with_a_quote_left_open", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "host=127.0.0.1 dbname='d", "4:18", "libpq"),
    ("topic_without_its_scheme", "topic: kafka://orders", "topic: orders", "9:12", "kafka://"),
    ("topic_of_another_scheme", "topic: kafka://orders", "topic: amqp://orders", "9:12", "kafka://"),
    ("topic_with_letters_that_kafka_refuses", "topic: kafka://orders", "topic: kafka://or ders", "9:20", ""),
    ("topic_without_a_name", "topic: kafka://orders", "topic: kafka://", "9:20", ""),
    # sources
    ("source_with_a_bad_name", "  orders:\n    topic", "  or/ders:\n    topic", "8:3", ""),
    ("unknown_kind_of_duplicates", "on_duplicate: replace", "on_duplicate: replce", "12:19", "replace"),
    ("unknown_type_of_a_field", "amount: decimal(2)", "amount: float", "15:55", "float"),
    ("decimal_of_too_many_digits", "amount: decimal(2)", "amount: decimal(9)", "15:55", ""),
    ("decimal_without_digits", "amount: decimal(2)", "amount: decimal", "15:55", ""),
    ("key_that_is_no_field", "key: order_id", "key: ordr_id", "10:10", "order_id"),
    ("key_of_a_decimal_field", "key: order_id", "key: amount", "10:10", "text"),
    ("field_with_a_reserved_name", "status: text }", "tm_status: text }", "", "tm_"),
    ("field_named_like_a_system_column", "status: text }", "ctid: text }", "", "every table of PostgreSQL"),
    ("measure_named_like_a_hidden_column", "order_count: count", "tm_count: count", "", "tm_"),
    ("type_of_a_field_misspelt", "quantity: integer", "quantity: intger", "15:77", 'did you mean "integer"?'),
    ("decimal_of_two_numbers", "amount: decimal(2)", 'amount: "decimal(10,2)"', "15:55", "decimal"),
    ("unit_of_event_time_misspelt", "event_time: timestamp", "event_time: { field: t, unit: milisconds }", "11:35", "milliseconds"),
    ("two_sources_of_one_topic", "views:", "  more:\n    topic: kafka://orders\n    key: k\n    event_time: t\n    fields: { k: text }\nviews:", "", "topic"),
    ("dead_letters_into_the_topic_itself", "kafka://orders-dead-letter", "kafka://orders", "14:18", ""),
    # views
    ("view_of_an_unknown_source", "source: orders", "source: ordres", "18:13", "orders"),
    ("unknown_field_in_a_condition", "status <>", "statsu <>", "19:12", "status"),
    ("unknown_field_in_another_case", "amount > 0", "Amount > 0", "19:38", 'did you mean "amount"?'),
    ("condition_with_two_equals_signs", "amount > 0", "amount == 0", "19:46", "expected"),
    ("condition_with_double_quotes", "'cancelled'", '"cancelled"', "19:22", "single quotes"),
    ("condition_with_a_quote_left_open", "'cancelled'", "'cancelled", "19:22", "closing quote"),
    ("condition_of_a_list_of_two_kinds", "amount > 0", "quantity in (1, 'x')", "19:54", "compared"),
    ("condition_with_an_exponent", "amount > 0", "amount > 1e3", "19:47", "digits"),
    ("condition_that_ends_early", "amount > 0", "amount >", "19:", ""),
    ("condition_with_a_bracket_left_open", "amount > 0", "(amount > 0", "19:", ""),
    ("condition_that_compares_text_with_a_number", "status <> 'cancelled'", "status <> 1", "19:", ""),
    ("condition_that_compares_a_number_with_text", "amount > 0", "amount > 'x'", "19:", ""),
    ("condition_with_a_function", "amount > 0", "sleep(10) > 0", "19:", ""),
    ("condition_with_a_second_statement", "amount > 0", "amount > 0; drop table orders", "19:", ""),
    ("condition_nested_ten_thousand_deep", "amount > 0", "(" * 10_000 + "amount > 0" + ")" * 10_000, "19:", ""),
    ("window_of_an_unknown_kind", "tumbling 1 day", "tumblng 1 day", "20:13", 'did you mean "tumbling 1 day"?'),
    ("window_of_an_unknown_unit", "tumbling 1 day", "tumbling 1 dya", "20:13", 'did you mean "tumbling 1 day"?'),
    ("window_that_does_not_divide_a_day", "tumbling 1 day", "tumbling 7 minutes", "20:13", ""),
    ("window_of_nothing", "tumbling 1 day", "tumbling 0 minutes", "20:13", ""),
    ("window_of_several_days", "tumbling 1 day", "tumbling 2 days", "20:13", ""),
    ("window_that_hops_by_nothing", "tumbling 1 day", "hopping 1 hour by 5 minutes", "20:13", ""),
    ("hop_that_does_not_divide_its_window", "tumbling 1 day", "hopping 50 minutes every 20 minutes", "20:13", "divides its size"),
    ("hop_of_two_days_in_fifteen", "tumbling 1 day", "hopping 15 days every 2 days", "20:13", "divides its size"),
    ("session_without_a_retention", "tumbling 1 day", "session 30 minutes", "20:13", "retention"),
    ("session_with_a_gap_of_two_days", "tumbling 1 day", "session 2 days", "20:13", "at most a day"),
    ("dimension_that_is_no_field", "[category]", "[categry]", "21:18", "category"),
    ("nothing_among_the_dimensions", "[category]", "[~]", "21:18", "nothing is given"),
    ("nine_dimensions", "[category]", "[a, b, c, d, e, f, g, h, i]", "21:17", "at most 8"),
    ("dimension_given_twice", "[category]", "[category, category]", "21:28", "category"),
    ("dimension_of_a_decimal", "[category]", "[amount]", "21:18", "text or integer"),
    ("measure_of_an_unknown_function", "sum(amount)", "summ(amount)", "22:52", "sum"),
    ("measure_in_capitals", "sum(amount)", "SUM(amount)", "22:52", 'did you mean "sum"?'),
    ("measure_of_two_fields", "sum(amount)", '"sum(amount, quantity)"', "22:57", "field"),
    ("measure_with_something_behind", "sum(amount)", "sum(amount)x", "22:52", "sum(field)"),
    ("average_of_a_text", "sum(amount)", "avg(status)", "22:56", "decimal"),
    ("measure_of_an_unknown_field", "sum(amount)", "sum(amuont)", "22:", "amount"),
    ("sum_of_text", "sum(amount)", "sum(status)", "22:", "integer or decimal"),
    ("measure_named_like_a_column", "order_count: count", "window_start: count", "22:17", "window_start"),
    ("measure_not_built_yet", "sum(amount)", "approx_unique(category)", "22:52", "unique"),
    ("retention_shorter_than_the_window", "dimensions:", "retention: 1 hour\n    dimensions:", "21:16", ""),
    ("job_of_an_unknown_source", 'schedule: "0 2 * * *"', 'schedule: "0 2 * * *", sources: [ordres]', "24:47", "orders"),
    # properties that exactly-once rests on, and what isn't there yet
    ("property_that_commits_by_itself", "group: tidemark", "properties: { enable.auto.commit: true }", "2:52", "enable.auto.commit"),
    ("property_that_forgets_where_it_was", "group: tidemark", "properties: { auto.offset.reset: latest }", "2:52", "auto.offset.reset"),
    ("property_that_makes_writers_one", "group: tidemark", "properties: { transactional.id: a }", "2:52", "transactional.id"),
    # detectors
    ("detector_on_a_replace_source", "jobs:", 'detectors: { d: { source: orders, alerts: "kafka://a", rules: [{ when: amount > 1, message: large }] } }\njobs:', "23:27", "none or ignore"),
    ("detector_that_alerts_into_its_source", "jobs:", 'detectors: { d: { source: orders, alerts: "kafka://orders", rules: [{ when: amount > 1, message: large }] } }\njobs:', "23:", "follows this topic"),
    ("detector_without_a_reader", "sources:\n  orders:\n    topic: kafka://orders\n    key: order_id\n    event_time: timestamp\n    on_duplicate: replace\n    horizon: 48 hours", 'detectors: { d: { source: orders, alerts: "kafka://a", rules: [{ when: amount > 1, message: large }] } }\nsources:\n  orders:\n    topic: kafka://orders\n    key: order_id\n    event_time: timestamp\n    on_duplicate: ignore\n    speed: none', "7:27", "speed: none"),
    # the environment
    ("variable_that_is_not_set", "time_zone: Europe/London", "time_zone: ${TIDEMARK_NOT_SET}", "1:12", "TIDEMARK_NOT_SET"),
    ("variable_that_never_ends", "time_zone: Europe/London", "time_zone: ${TIDEMARK_NOT_SET", "1:12", ""),
    ("variable_in_a_default", "time_zone: Europe/London", 'time_zone: "${A:-${B}}"', "1:13", "NAME"),
    ("variable_in_a_flow_map_without_quotes", "group: tidemark", "group: ${TIDEMARK_NOT_SET}", "2:45", "quotes"),
    ("variable_named_like_a_command", "time_zone: Europe/London", 'time_zone: "${A B}"', "1:13", "NAME"),
    ("secret_file_that_is_empty", "namespace: tidemark }", "password_file: /dev/null }", "3:59", "first line is empty"),
    ("secret_file_without_an_end", "namespace: tidemark }", "password_file: /dev/zero }", "3:59", "longer than 4096"),
    ("secret_file_without_a_name", "namespace: tidemark }", "password_file: '' }", "3:59", "empty"),
    ("secret_file_that_is_not_there", "namespace: tidemark }", "password_file: /nowhere/secret }", "3:59", "/nowhere/secret"),
    ("secret_file_that_is_a_folder", "namespace: tidemark }", "password_file: /tmp }", "3:59", "/tmp"),
    # YAML
    ("tab_that_indents", "    topic:", "\ttopic:", "9:1", "tab"),
    ("anchor", "Europe/London", "&zone Europe/London", "1:12", "anchors"),
    ("alias", "Europe/London", "*zone", "1:12", "aliases"),
    ("tag", "Europe/London", "!!str Europe/London", "1:12", "tags"),
    ("merge_key", "    topic:", "    <<: *base\n    topic:", "9:9", ""),
    ("second_document", "jobs:", "---\njobs:", "23:1", "second document"),
    ("bracket_left_open", "[category]", "[category", "", ""),
    ("quote_left_open", '"0 2 * * *"', '"0 2 * * *', "", ""),
    ("colon_in_a_plain_word", "time_zone: Europe/London", "time_zone: Europe: London", "1:18", ""),
    ("not_indented_as_its_neighbours", "    key: order_id", "   key: order_id", "", ""),
    ("key_of_a_list", "time_zone: Europe/London", "? [time_zone]\n: UTC", "1:3", "key"),
    ("nul_in_a_word", "Europe/London", '"Europe\\0London"', "1:12", "NUL"),
]  # fmt: skip

# Pieces that are unusual, but right.
UNUSUAL = [
    ("number_in_quotes", "workers: 1", 'workers: "3"'),
    ("number_with_a_zero_before_it", "workers: 1", "workers: 01"),
    ("number_of_the_environment", "workers: 1", 'workers: "${TIDEMARK_NOT_SET:-3}"'),
    ("duration_without_a_blank", "flush_every: 50 ms", "flush_every: 50ms"),
    ("duration_with_many_blanks", "flush_every: 50 ms", "flush_every: 50    ms"),
    ("unit_behind_a_variable", "flush_every: 50 ms", 'flush_every: "${TIDEMARK_NOT_SET:-50} ms"'),
    ("window_with_underscores", "tumbling 1 day", "tumbling_30_minutes"),
    ("cron_line_without_quotes", '"0 2 * * *"', "0 2 * * mon-fri"),
    ("cron_line_of_names_and_steps", '"0 2 * * *"', '"*/15 0,12 1-15/2 JAN,jul Sun"'),
    ("condition_with_the_other_inequality", "status <>", "status !="),
    ("condition_finer_than_its_field", "amount > 0", "amount > 0.001"),
    ("condition_in_capitals", "and amount > 0", "AND NOT amount IS NULL"),
    ("condition_in_a_block", "status <> 'cancelled' and amount > 0", ">-\n      status <> 'cancelled'\n      and amount > 0"),
    ("comment_behind_a_condition", "amount > 0", "amount > 0 # euros"),
    ("comma_behind_the_last_dimension", "[category]", "[category, ]"),
    ("no_dimensions", "[category]", "[]"),
    ("blanks_in_a_measure", "sum(amount)", '" sum ( amount ) "'),
    ("field_named_like_a_parameter", "quantity: integer", "limit: integer"),
    ("several_brokers", "127.0.0.1:@KAFKA@", "[::1]:9092, SASL_SSL://kafka-2:9093,kafka-3"),
    ("group_with_a_blank", "group: tidemark", "group: our orders"),
    ("socket_of_redis", "redis://127.0.0.1:@REDIS@/0", "unix:///run/redis.sock"),
    ("password_with_an_at_sign", "redis://127.0.0.1:@REDIS@/0", "redis://:p@ss@[::1]/3"),
    ("line_of_libpq", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "host=/run/postgresql dbname='tide mark'"),
    ("two_servers_of_postgres", "postgresql://tidemark@127.0.0.1:@POSTGRES@/tidemark", "postgresql://a:1,b:2/tidemark?target_session_attrs=read-write"),
    ("literal_brace", "group: tidemark", 'group: "$${tidemark}"'),
    ("tab_behind_a_colon", "horizon: 48 hours", "horizon:\t48 hours"),
    ("version_of_yaml", "time_zone: Europe/London", "%YAML 1.2\n---\ntime_zone: Europe/London"),
    ("properties_of_both_kinds_of_client", "group: tidemark", "properties: { acks: all, session.timeout.ms: 9000, client.id: 12 s, linger.ms: 0.5 }"),
]  # fmt: skip

# As PIECES, for the programs that use Kafka: the others don't know its properties.
KAFKA_PIECES = [
    ("property_that_no_one_knows", "group: tidemark", "properties: { no.such.property: 1 }", "2:52", "librdkafka: No such configuration property"),
    ("property_misspelt", "group: tidemark", "properties: { sesion.timeout.ms: 9000 }", "2:52", 'did you mean "session.timeout.ms"?'),
    ("property_without_a_default_misspelt", "group: tidemark", "properties: { sasl.pasword: a }", "2:52", 'did you mean "sasl.password"?'),
    ("property_of_no_number", "group: tidemark", "properties: { session.timeout.ms: abc }", "2:72", "Invalid value"),
    ("property_of_a_number_with_a_unit", "group: tidemark", "properties: { session.timeout.ms: 30 s }", "2:72", "30 s"),
    ("property_out_of_range", "group: tidemark", "properties: { session.timeout.ms: 0 }", "2:72", "allowed range"),
    ("property_of_an_unknown_word", "group: tidemark", "properties: { security.protocol: tls }", "2:71", '"tls"'),
    ("property_of_another_client", "group: tidemark", "properties: { sasl.jaas.config: a }", "2:70", "Java"),
    ("property_that_weakens_the_dead_letters", "group: tidemark", "properties: { client.id: a, acks: 1 }", "2:72", "`acks`"),
    ("property_that_contradicts_a_default", "group: tidemark", "properties: { max.poll.interval.ms: 5000 }", "2:74", "session.timeout.ms"),
    ("certificate_that_is_not_there", "group: tidemark", "properties: { security.protocol: ssl, ssl.ca.location: /nowhere }", "2:93", "ssl.ca.location"),
    ("second_of_two_properties", "group: tidemark", "properties: { acks: all, liger.ms: 5 }", "2:63", 'did you mean "linger.ms"?'),
]  # fmt: skip

DEEP = 300_000
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(c)}: &{chr(c)} [{','.join(['*' + chr(c - 1)] * 9)}]\n" for c in range(ord("b"), ord("j"))
)

# (what is wrong, the whole file, line:column, a word)
WHOLE = [
    ("empty_file", b"", "1:1", "empty"),
    ("nothing_but_a_comment", b"# to do\n", "1:1", "empty"),
    ("nothing_but_a_word", b"tidemark\n", "1:1", "map"),
    ("list", b"- a\n- b\n", "1:1", "map"),
    ("json_cut_short", b'{"sources": {', "", ""),
    ("no_sources", b"time_zone: UTC\n", "1:1", "sources"),
    ("lists_nested_deep", b"sources: " + b"[" * DEEP, "1:", "deep"),
    ("maps_nested_deep", b"sources: " + b"{a: " * (DEEP // 2), "1:", "deep"),
    ("maps_nested_deep_by_lines", b"".join(b" " * n + b"a:\n" for n in range(1000)), "", "deep"),
    ("alias_bomb", BOMB.encode(), "1:4", "anchors"),
    ("byte_order_mark_and_a_wrong_key", b"\xef\xbb\xbftime_zome: UTC\n", "1:1", "time_zone"),
    ("carriage_returns_and_a_wrong_key", b"time_zone: UTC\r\nkafka: { grop: a }\r\n", "", "2:10: unknown key \"grop\"; did you mean \"group\""),
    ("byte_order_mark_in_the_middle", b"time_zone: UTC\n\xef\xbb\xbfkafka: {}\n", "2:1", "byte-order mark"),
    ("old_mac_line_ends_and_a_wrong_key", b"time_zone: UTC\rkafka: { grop: a }\r", "", "2:10: unknown key"),
    ("character_cut_short", b"time_zone: UTC\n# \xe2\x82", "2:3", "UTF-8"),
    ("utf_16", "time_zone: UTC\n".encode("utf-16"), "1:1", "UTF-8"),
    ("latin_1", "time_zone: Åland\n".encode("latin-1"), "1:12", "UTF-8"),
    ("lone_surrogate", b"time_zone: \xed\xa0\x80\n", "1:12", "UTF-8"),
    ("control_character", b"time_zone: \x1b[31m\n", "1:12", "control"),
    ("zeros", b"\0" * 4096, "1:1", ""),
    ("random_bytes", bytes((n * 197 + 41) % 256 for n in range(5000)), "1:", ""),
    ("an_elf_binary", b"\x7fELF\x02\x01\x01" + b"\0" * 100, "1:1", ""),
    ("a_line_of_a_megabyte", b"time_zone: " + b"x" * 1_000_000 + b"\n", "1:", "1:12: "),
    ("sixty_five_sources", b"sources:\n" + b"".join(b"  s%d: { topic: kafka://t%d, on_duplicate: none, event_time: t, fields: { a: text } }\n" % (n, n) for n in range(65)), "", "64"),
]  # fmt: skip
