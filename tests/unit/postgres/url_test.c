/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"
#include "postgres/url.h"

static void what_libpq_understands_is_taken(void **state)
{
    (void)state;
    static const char *const urls[] = {"postgresql://",
                                       "postgresql://u:p%40ss@h:5432/d?sslmode=verify-full",
                                       "postgres://[::1]:1/d",
                                       "postgresql://a:1,b,c:65535/d?target_session_attrs=read-write",
                                       "host=/run/postgresql dbname='tide mark'",
                                       "host=a,b port=,5433",
                                       "sslmode=require"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct error error = {0};
        if (!postgres_url_check(urls[i], &error))
            fail_msg("%s: %s", urls[i], error.message);
    }
}

static void what_libpq_would_refuse_is_refused_with_what_was_meant(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"host=h dbnam=d", "unknown option \"dbnam\" of libpq; did you mean \"dbname\"?"},
        {"postgresql://h/d?sslmod=require", "did you mean \"sslmode\"?"},
        {"postgresql://h/d?sslmode=requir", "did you mean \"require\"?"},
        {"sslmode=yes", "sslmode must be disable, allow"},
        {"postgresql://h:65536/d", "the port of PostgreSQL must be 1 to 65535"},
        {"postgresql://h:0/d", "the port"},
        {"postgresql://a:1,b:x/d", "the port"},
        {"host=h port=-1", "the port"},
        {"host='h", "libpq can't read this"},
        {"postgresql://[::1/d", "libpq can't read this"},
        {"postgresql://u:p%zz@h/d", "libpq can't read this"},
        {"=", "an option that libpq doesn't know"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = {0};
        assert_false(postgres_url_check(cases[i][0], &error));
        assert_int_equal(error.code, ERROR_CONFIGURATION);
        if (!strstr(error.message, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], error.message);
    }
}

static void a_password_is_never_repeated(void **state)
{
    (void)state;
    static const char *const urls[] = {"postgresql://u:hunter2%zz@h/d",
                                       "postgresql://u:hunter2@h:x/d",
                                       "postgresql://h/d?hunter2",
                                       "password=a hunter2=b",
                                       "password='hunter2",
                                       "hunter2",
                                       "sslmode=hunter2"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct error error = {0};
        if (postgres_url_check(urls[i], &error))
            fail_msg("%s was taken", urls[i]);
        assert_null(strstr(error.message, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_libpq_understands_is_taken),
        cmocka_unit_test(what_libpq_would_refuse_is_refused_with_what_was_meant),
        cmocka_unit_test(a_password_is_never_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
