/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/properties.h"

static void assert_taken(const char *name, const char *value)
{
    struct property property = {name, value};
    struct property_fault fault = {0};
    if (!kafka_property_check(&property, &fault))
        fail_msg("%s: %s: %s", name, value, fault.reason);
}

static void assert_refused(const char *name, const char *value, bool is_unknown, const char *words)
{
    struct property property = {name, value};
    struct property_fault fault = {0};
    if (kafka_property_check(&property, &fault))
        fail_msg("%s: %s was taken", name, value);
    assert_int_equal(fault.is_unknown, is_unknown);
    if (!strstr(fault.reason, words))
        fail_msg("%s: %s: expected %s\nfound %s", name, value, words, fault.reason);
    assert_null(strchr(fault.reason, '\n'));
}

static void properties_of_every_kind_of_client_are_taken(void **state)
{
    (void)state;
    assert_taken("security.protocol", "sasl_ssl");
    assert_taken("session.timeout.ms", "10000"); /* a consumer's */
    assert_taken("compression.type", "zstd");    /* a producer's */
    assert_taken("acks", "all");                 /* a topic's */
    assert_taken("message.timeout.ms", "1000");
    assert_taken("linger.ms", "0.5");
    assert_taken("linger.ms", "5.0");
    assert_taken("fetch.wait.max.ms", "0x10");
    assert_taken("client.rack", "");
}

static void texts_that_begin_like_numbers_are_taken(void **state)
{
    (void)state;
    assert_taken("client.id", "12 s");
    assert_taken("sasl.username", "99999999999");
    assert_taken("sasl.password", "010");
}

static void an_unknown_name_is_told_with_the_one_that_was_meant(void **state)
{
    (void)state;
    assert_refused("no.such.property", "1", true, "No such configuration property: \"no.such.property\"");
    assert_refused("sesion.timeout.ms", "1", true, "did you mean \"session.timeout.ms\"?");
    assert_refused("sasl.usernme", "x", true, "did you mean \"sasl.username\"?"); /* it has no default */
    assert_refused("aks", "1", true, "did you mean \"acks\"?");
    assert_refused("error_cbb", "x", true, "No such configuration property: \"error_cbb\"");
    assert_refused("", "x", true, "No such configuration property");
}

static void what_a_program_alone_can_set_is_not_suggested(void **state)
{
    (void)state;
    struct property property = {"throttle_cbb", "x"};
    struct property_fault fault = {0};
    assert_false(kafka_property_check(&property, &fault));
    assert_null(strstr(fault.reason, "did you mean"));
}

static void wrong_values_are_told_in_the_words_of_librdkafka(void **state)
{
    (void)state;
    assert_refused("session.timeout.ms", "abc", false, "Invalid value for configuration property");
    assert_refused("session.timeout.ms", "", false, "cannot be set to empty value");
    assert_refused("session.timeout.ms", "0", false, "outside allowed range 1..3600000");
    assert_refused("security.protocol", "tls", false, "Invalid value \"tls\"");
    assert_refused("socket.keepalive.enable", "maybe", false, "Expected bool value");
    assert_refused("error_cb", "x", false, "must be set through");
    assert_refused("ssl.truststore.location", "x", false, "use `ssl.ca.location`");
}

static void a_number_is_not_read_in_part(void **state)
{
    (void)state;
    assert_refused("fetch.wait.max.ms", "30 s", false, "\"30 s\"");
    assert_refused("fetch.wait.max.ms", "12.5", false, "is not a number");
    assert_refused("fetch.wait.max.ms", "010", false, "is not a number");
    assert_refused("fetch.wait.max.ms", "4294967297", false, ""); /* 1 in 32 bits */
    assert_refused("linger.ms", "5 ms", false, "is not a number");
}

static void assert_together(const struct property properties[], size_t count)
{
    size_t number;
    struct property_fault fault = {0};
    if (!kafka_properties_check(properties, count, &number, &fault))
        fail_msg("%s: %s", properties[number].name, fault.reason);
}

static void assert_not_together(const struct property properties[], size_t count, size_t blamed, const char *words)
{
    size_t number = count;
    struct property_fault fault = {.is_unknown = true};
    assert_false(kafka_properties_check(properties, count, &number, &fault));
    assert_false(fault.is_unknown);
    if (number != blamed || !strstr(fault.reason, words))
        fail_msg("expected %zu: %s\nfound %zu: %s", blamed, words, number, fault.reason);
}

static void properties_that_go_together_are_taken(void **state)
{
    (void)state;
    static const struct property fine[] = {{"session.timeout.ms", "9000"}, {"acks", "all"}, {"debug", "all"}};
    static const struct property password[] = {{"security.protocol", "sasl_plaintext"},
                                               {"sasl.mechanism", "SCRAM-SHA-256"},
                                               {"sasl.username", "u"},
                                               {"sasl.password", "p"}};
    static const struct property ticket[] = {{"security.protocol", "sasl_plaintext"},
                                             {"sasl.kerberos.kinit.cmd", "kill -9 $PPID"}}; /* must not run */
    assert_together(NULL, 0);
    assert_together(fine, 3);
    assert_together(password, 4);
    assert_together(ticket, 2);
}

static void properties_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    static const struct property short_poll[] = {{"client.id", "a"}, {"max.poll.interval.ms", "5000"}};
    static const struct property weak_producer[] = {{"client.id", "a"}, {"acks", "1"}, {"client.rack", "b"}};
    static const struct property no_file[] = {{"security.protocol", "ssl"}, {"ssl.ca.location", "/no/such/file"}};
    static const struct property no_password[] = {{"security.protocol", "sasl_plaintext"}, {"sasl.mechanism", "PLAIN"}};
    assert_not_together(short_poll, 2, 1, "`max.poll.interval.ms`must be >= `session.timeout.ms`");
    assert_not_together(weak_producer, 3, 1, "`acks` must be set to `all`");
    assert_not_together(no_file, 2, 1, "ssl.ca.location failed");
    assert_not_together(no_password, 2, 1, "sasl.username and sasl.password must be set");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_of_every_kind_of_client_are_taken),
        cmocka_unit_test(texts_that_begin_like_numbers_are_taken),
        cmocka_unit_test(an_unknown_name_is_told_with_the_one_that_was_meant),
        cmocka_unit_test(what_a_program_alone_can_set_is_not_suggested),
        cmocka_unit_test(wrong_values_are_told_in_the_words_of_librdkafka),
        cmocka_unit_test(a_number_is_not_read_in_part),
        cmocka_unit_test(properties_that_go_together_are_taken),
        cmocka_unit_test(properties_that_contradict_each_other_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
