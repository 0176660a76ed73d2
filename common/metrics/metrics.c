/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct metric_series {
    const struct metric *metric;
    struct metric_series *_Atomic next;
    char *values[METRIC_LABELS_MAX]; /* label values, escaped as they are printed */
    _Atomic int64_t value;           /* of a histogram: the sum */
    _Atomic bool withdrawn;
    size_t bucket_count;
    _Atomic int64_t buckets[]; /* observations in each, the last is beyond all bounds; a histogram's */
};

/* Series are only ever appended, so that readers may walk the list while one is made. */
struct family {
    struct metric_series *_Atomic first;
    struct metric_series *last;
    size_t count;
    struct metric_series *other; /* not in the list until it is needed */
    bool other_listed;
};

struct metrics {
    const struct metric *table;
    size_t count;
    pthread_mutex_t making;
    struct family families[];
};

static size_t label_count(const struct metric *metric)
{
    size_t count = 0;
    while (metric->labels[count])
        count++;
    return count;
}

static size_t bucket_count(const struct metric *metric)
{
    size_t count = 0;
    while (count < METRIC_BUCKETS_MAX && metric->buckets[count])
        count++;
    return count;
}

static void series_destroy(struct metric_series *series)
{
    for (size_t i = 0; series && i < METRIC_LABELS_MAX; i++)
        free(series->values[i]);
    free(series);
}

/* A label value as it stands between quotes; the caller frees it. */
static char *escape(const char *value)
{
    char *escaped = malloc(2 * strlen(value) + 1), *at = escaped;
    for (; escaped && *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            *at++ = '\\';
        *at++ = *value == '\n' ? 'n' : *value;
    }
    if (escaped)
        *at = '\0';
    return escaped;
}

static struct metric_series *series_new(const struct metric *metric, const char *const values[])
{
    size_t buckets = metric->kind == METRIC_HISTOGRAM ? bucket_count(metric) + 1 : 0;
    struct metric_series *series = calloc(1, sizeof *series + buckets * sizeof series->buckets[0]);
    if (!series)
        return NULL;
    series->metric = metric;
    series->bucket_count = buckets;
    for (size_t i = 0; i < label_count(metric); i++)
        if (!(series->values[i] = escape(values ? values[i] : "other"))) {
            series_destroy(series);
            return NULL;
        }
    return series;
}

struct metrics *metrics_new(const struct metric *table, size_t count)
{
    struct metrics *metrics = calloc(1, sizeof *metrics + count * sizeof metrics->families[0]);
    if (!metrics)
        return NULL;
    metrics->table = table;
    metrics->count = count;
    pthread_mutex_init(&metrics->making, NULL);
    for (size_t i = 0; i < count; i++)
        if (!(metrics->families[i].other = series_new(&table[i], NULL))) {
            metrics_destroy(metrics);
            return NULL;
        }
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->count; i++) {
        struct family *family = &metrics->families[i];
        for (struct metric_series *series = family->first, *next; series; series = next) {
            next = series->next;
            if (series != family->other)
                series_destroy(series);
        }
        series_destroy(family->other);
    }
    pthread_mutex_destroy(&metrics->making);
    free(metrics);
}

/* Compares a value as given with one as kept. */
static bool same_value(const char *kept, const char *value)
{
    for (; *value; value++, kept++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            if (*kept++ != '\\')
                return false;
        if (*kept != (*value == '\n' ? 'n' : *value))
            return false;
    }
    return *kept == '\0';
}

static struct metric_series *find(const struct family *family, const struct metric *metric, const char *const values[])
{
    size_t labels = label_count(metric);
    struct metric_series *series = atomic_load_explicit(&family->first, memory_order_acquire);
    for (; series; series = atomic_load_explicit(&series->next, memory_order_acquire)) {
        size_t same = 0;
        while (same < labels && same_value(series->values[same], values[same]))
            same++;
        if (same == labels)
            return series;
    }
    return NULL;
}

static void append(struct family *family, struct metric_series *series)
{
    atomic_store_explicit(family->last ? &family->last->next : &family->first, series, memory_order_release);
    family->last = series;
    family->count++;
}

/* With the mutex held. */
static struct metric_series *make(struct family *family, const struct metric *metric, const char *const values[])
{
    struct metric_series *series =
        label_count(metric) && family->count < METRIC_SERIES_MAX ? series_new(metric, values) : NULL;
    if (series) {
        append(family, series);
        return series;
    }
    if (!family->other_listed)
        append(family, family->other);
    family->other_listed = true;
    return family->other;
}

struct metric_series *metrics_series(struct metrics *metrics, size_t number, const char *const values[])
{
    assert(number < metrics->count);
    struct family *family = &metrics->families[number];
    const struct metric *metric = &metrics->table[number];
    struct metric_series *series = find(family, metric, values);
    if (series)
        return series;
    pthread_mutex_lock(&metrics->making);
    series = find(family, metric, values);
    if (!series)
        series = make(family, metric, values);
    pthread_mutex_unlock(&metrics->making);
    return series;
}

void metric_add(struct metric_series *series, int64_t more)
{
    atomic_fetch_add_explicit(&series->value, more, memory_order_relaxed);
}

void metric_set(struct metric_series *series, int64_t value)
{
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
    atomic_store_explicit(&series->withdrawn, false, memory_order_release);
}

void metric_withdraw(struct metric_series *series)
{
    atomic_store_explicit(&series->withdrawn, true, memory_order_relaxed);
}

void metric_observe(struct metric_series *series, int64_t value)
{
    size_t bucket = 0;
    while (bucket + 1 < series->bucket_count && value > series->metric->buckets[bucket])
        bucket++;
    atomic_fetch_add_explicit(&series->value, value, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->buckets[bucket], 1, memory_order_relaxed);
}

int64_t metric_value(const struct metric_series *series)
{
    if (series->bucket_count == 0)
        return atomic_load_explicit(&series->value, memory_order_relaxed);
    int64_t observed = 0;
    for (size_t i = 0; i < series->bucket_count; i++)
        observed += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
    return observed;
}

static const char *kind_name(enum metric_kind kind)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};
    return names[kind];
}

static void print_value(const struct metric *metric, int64_t value, struct buffer *out)
{
    int64_t divisor = metric->divisor ? metric->divisor : 1;
    if (divisor == 1)
        buffer_append_integer(out, value);
    else
        buffer_appendf(out, "%.15g", (double)value / (double)divisor);
}

/* name_suffix{labels,le="bound"} — `bound` may be NULL. */
static void print_head(const struct metric_series *series, const char *suffix, const char *bound, struct buffer *out)
{
    const struct metric *metric = series->metric;
    buffer_appendf(out, "%s%s", metric->name, suffix);
    char separator = '{';
    for (size_t i = 0; metric->labels[i]; i++, separator = ',')
        buffer_appendf(out, "%c%s=\"%s\"", separator, metric->labels[i], series->values[i]);
    if (bound) {
        buffer_appendf(out, "%cle=\"%s\"", separator, bound);
        separator = ',';
    }
    buffer_append_string(out, separator == ',' ? "} " : " ");
}

static void print_histogram(const struct metric_series *series, struct buffer *out)
{
    int64_t observed = 0;
    struct buffer bound = {0};
    for (size_t i = 0; i < series->bucket_count; i++) {
        observed += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
        buffer_clear(&bound);
        if (i + 1 < series->bucket_count)
            print_value(series->metric, series->metric->buckets[i], &bound);
        else
            buffer_append_string(&bound, "+Inf");
        out->failed |= bound.failed;
        print_head(series, "_bucket", buffer_string(&bound), out);
        buffer_appendf(out, "%lld\n", (long long)observed);
    }
    buffer_clean_up(&bound);
    print_head(series, "_sum", NULL, out);
    print_value(series->metric, atomic_load_explicit(&series->value, memory_order_relaxed), out);
    buffer_append_char(out, '\n');
    print_head(series, "_count", NULL, out);
    buffer_appendf(out, "%lld\n", (long long)observed);
}

static void print_series(const struct metric_series *series, struct buffer *out)
{
    if (atomic_load_explicit(&series->withdrawn, memory_order_acquire))
        return;
    if (series->metric->kind == METRIC_HISTOGRAM) {
        print_histogram(series, out);
        return;
    }
    print_head(series, "", NULL, out);
    print_value(series->metric, metric_value(series), out);
    buffer_append_char(out, '\n');
}

void metrics_print(const struct metrics *metrics, struct buffer *out)
{
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric *metric = &metrics->table[i];
        const struct metric_series *series = atomic_load_explicit(&metrics->families[i].first, memory_order_acquire);
        if (!series)
            continue;
        buffer_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                       kind_name(metric->kind));
        for (; series; series = atomic_load_explicit(&series->next, memory_order_acquire))
            print_series(series, out);
    }
}

void metrics_print_reference(const struct metric *table, size_t count, struct buffer *out)
{
    buffer_append_string(out, "| Metric | Kind | Labels | Meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        buffer_appendf(out, "| `%s` | %s | ", table[i].name, kind_name(table[i].kind));
        for (size_t label = 0; table[i].labels[label]; label++)
            buffer_appendf(out, "%s`%s`", label ? ", " : "", table[i].labels[label]);
        buffer_appendf(out, " | %s |\n", table[i].help);
    }
}
