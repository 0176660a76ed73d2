/* SPDX-License-Identifier: Apache-2.0
 * docs/metrics.md says what the tables of the programs say. With TIDEMARK_WRITE_DOCS set the file is written instead.
 */
#include "cmocka_test.h"

#include "batch_metrics.h"
#include "serving_metrics.h"
#include "speed_metrics.h"

static void read_file(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char block[4096];
    for (size_t length; (length = fread(block, 1, sizeof block, file)) > 0;)
        buffer_append(out, block, length);
    fclose(file);
}

static void print_program(const char *where, const struct metric *table, size_t count, struct buffer *out)
{
    buffer_appendf(out, "\n## %s\n\n", where);
    metrics_print_reference(table, count, out);
}

static void the_manual_of_metrics_is_that_of_the_program(void **state)
{
    (void)state;
    static const char path[] = DOCS_FOLDER "/metrics.md";
    struct buffer expected = {0}, found = {0};
    buffer_append_string(&expected, "# Metrics\n\nPrinted from the tables of the programs, in the text format of "
                                    "Prometheus.\n");
    print_program("tidemark-speed, at /metrics of `speed.listen`", speed_metrics, SPEED_METRIC_COUNT, &expected);
    print_program("tidemark-batch, at /metrics of `batch.listen`, or in `batch.metrics_file`", batch_metrics,
                  BATCH_METRIC_COUNT, &expected);
    print_program("tidemark-serving, at /metrics", serving_metrics, SERVING_METRIC_COUNT, &expected);
    if (getenv("TIDEMARK_WRITE_DOCS")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(expected.data, 1, expected.length, file), expected.length);
        fclose(file);
    }
    read_file(path, &found);
    assert_string_equal(buffer_string(&found), buffer_string(&expected));
    buffer_clean_up(&expected);
    buffer_clean_up(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_manual_of_metrics_is_that_of_the_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
