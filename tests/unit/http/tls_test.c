/* SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_test.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/probe.h"
#include "http/server.h"

#define DAY (24 * 60 * 60)

struct bench {
    char folder[40], certificate[80], key[80];
    struct certificate_files files;
    struct tls *tls;
    struct http_server *server;
    struct listen_address address;
};

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static gnutls_x509_privkey_t make_key(void)
{
    gnutls_x509_privkey_t key;
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
    return key;
}

static void write_certificate(const char *path, gnutls_x509_privkey_t key, time_t begins, time_t ends)
{
    gnutls_x509_crt_t certificate;
    gnutls_datum_t pem;
    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_dn(certificate, "CN=localhost", NULL);
    gnutls_x509_crt_set_serial(certificate, "\1", 1);
    gnutls_x509_crt_set_activation_time(certificate, begins);
    gnutls_x509_crt_set_expiration_time(certificate, ends);
    assert_int_equal(gnutls_x509_crt_set_key(certificate, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem), 0);
    write_file(path, pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(certificate);
}

static void write_key(const char *path, gnutls_x509_privkey_t key, const char *passphrase)
{
    gnutls_datum_t pem;
    assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, passphrase,
                                                       passphrase ? GNUTLS_PKCS_PBES2_AES_256 : GNUTLS_PKCS_PLAIN,
                                                       &pem),
                     0);
    write_file(path, pem.data, pem.size);
    gnutls_free(pem.data);
}

/* A new pair, valid for a day around now. */
static void write_pair(const struct bench *bench)
{
    gnutls_x509_privkey_t key = make_key();
    write_certificate(bench->certificate, key, time(NULL) - DAY / 2, time(NULL) + DAY / 2);
    write_key(bench->key, key, NULL);
    gnutls_x509_privkey_deinit(key);
}

static struct certificate *read_pair(const struct bench *bench)
{
    struct certificate *certificate;
    bool key_is_wrong;
    assert_true(certificate_read(&bench->files, clock_wall_us(), &certificate, &key_is_wrong, NULL));
    return certificate;
}

static void answer(void *context, const struct request_head *head, struct reply *reply, const char **ret_route)
{
    (void)context, (void)head;
    *ret_route = "/readyz";
    reply->status = 200;
    reply->content_type = "text/plain";
    buffer_append_string(&reply->body, "ok\n");
}

static int make_files(void **state)
{
    static struct bench bench;
    bench = (struct bench){.folder = "/tmp/tidemark-tls-XXXXXX"};
    if (!mkdtemp(bench.folder))
        return -1;
    (void)snprintf(bench.certificate, sizeof bench.certificate, "%s/certificate.pem", bench.folder);
    (void)snprintf(bench.key, sizeof bench.key, "%s/key.pem", bench.folder);
    bench.files = (struct certificate_files){bench.certificate, bench.key};
    write_pair(&bench);
    *state = &bench;
    return 0;
}

static int remove_files(void **state)
{
    struct bench *bench = *state;
    (void)unlink(bench->certificate);
    (void)unlink(bench->key);
    return rmdir(bench->folder);
}

static int start(void **state)
{
    const struct http_handler handler = {.answer = answer};
    if (make_files(state) != 0)
        return -1;
    struct bench *bench = *state;
    assert_true(tls_open(&bench->files, &bench->tls, NULL));
    const struct http_server_options options = {
        .address = {"127.0.0.1", 0}, .threads = 1, .connections_max = 100, .tls = bench->tls};
    assert_true(http_server_start(&options, &handler, &bench->server, NULL));
    bench->address = (struct listen_address){"127.0.0.1", http_server_port(bench->server)};
    return 0;
}

static int stop(void **state)
{
    struct bench *bench = *state;
    http_server_stop(bench->server);
    tls_close(bench->tls);
    return remove_files(state);
}

static bool probe(const struct bench *bench, const struct certificate *pinned, struct error *error)
{
    const struct probe_target target = {.address = bench->address, .encrypts = true, .pinned = pinned};
    return probe_ask(&target, 20000, error);
}

static void assert_works(const struct bench *bench, const struct certificate *pinned)
{
    struct error error = {0};
    if (!probe(bench, pinned, &error))
        fail_msg("%s", error.message);
}

static void assert_refused(const struct bench *bench, bool key_is_to_blame, const char *words)
{
    struct error error = {0};
    struct certificate *certificate;
    bool key_is_wrong;
    assert_false(certificate_read(&bench->files, clock_wall_us(), &certificate, &key_is_wrong, &error));
    assert_int_equal(error.code, ERROR_CONFIGURATION);
    if (!strstr(error.message, words) || !strstr(error.message, key_is_to_blame ? bench->key : bench->certificate))
        fail_msg("%s", error.message);
    assert_int_equal(key_is_wrong, key_is_to_blame);
}

static void a_pair_that_can_not_be_shown_is_refused_with_what_to_do(void **state)
{
    struct bench *bench = *state;
    gnutls_x509_privkey_t key = make_key(), other = make_key();
    const time_t now = time(NULL);
    write_certificate(bench->certificate, key, now - 2 * DAY, now - DAY);
    write_key(bench->key, key, NULL);
    assert_refused(bench, false, "has expired, at 2");
    write_certificate(bench->certificate, key, now + DAY, now + 2 * DAY);
    assert_refused(bench, false, "check this machine's clock");
    write_certificate(bench->certificate, key, now - DAY, now + DAY);
    write_key(bench->key, other, NULL);
    assert_refused(bench, true, "the key isn't that of the first certificate");
    write_key(bench->key, key, "secret");
    assert_refused(bench, true, "without a passphrase");
    write_file(bench->key, "nonsense", 8);
    assert_refused(bench, true, "no private key in PEM");
    assert_int_equal(unlink(bench->key), 0);
    assert_refused(bench, true, "No such file");
    write_key(bench->key, key, NULL);
    write_file(bench->certificate, "nonsense", 8);
    assert_refused(bench, false, "no certificate in PEM");
    write_file(bench->certificate, "", 0);
    assert_refused(bench, false, "no certificate in PEM");
    assert_int_equal(unlink(bench->certificate), 0);
    assert_refused(bench, false, "No such file");
    gnutls_x509_privkey_deinit(key);
    gnutls_x509_privkey_deinit(other);
}

static void a_file_without_an_end_is_refused(void **state)
{
    struct bench *bench = *state;
    bench->files.certificate = "/dev/zero";
    struct certificate *certificate;
    struct error error = {0};
    bool key_is_wrong;
    assert_false(certificate_read(&bench->files, clock_wall_us(), &certificate, &key_is_wrong, &error));
    assert_non_null(strstr(error.message, "longer than 1 MiB"));
}

static void the_probe_knows_the_certificate_that_is_configured(void **state)
{
    struct bench *bench = *state;
    struct error error = {0};
    struct certificate *shown = read_pair(bench);
    assert_works(bench, shown);
    assert_works(bench, NULL);
    write_pair(bench);
    struct certificate *other = read_pair(bench);
    assert_false(probe(bench, other, &error));
    assert_non_null(strstr(error.message, "another certificate"));
    certificate_destroy(shown);
    certificate_destroy(other);
}

static void a_probe_of_who_speaks_no_tls_says_so(void **state)
{
    struct bench *bench = *state;
    const struct http_handler handler = {.answer = answer};
    const struct http_server_options options = {.address = {"127.0.0.1", 0}, .threads = 1, .connections_max = 100};
    struct http_server *plain;
    struct error error = {0};
    assert_true(http_server_start(&options, &handler, &plain, NULL));
    bench->address.port = http_server_port(plain);
    assert_false(probe(bench, NULL, &error));
    assert_non_null(strstr(error.message, "speaks no TLS"));
    http_server_stop(plain);
}

static void a_renewed_certificate_is_shown_and_an_error_keeps_the_old(void **state)
{
    struct bench *bench = *state;
    struct error error = {0};
    const int64_t now_us = clock_wall_us();
    assert_true(tls_refresh(bench->tls, now_us, NULL));
    write_pair(bench);
    struct certificate *renewed = read_pair(bench);
    assert_false(probe(bench, renewed, NULL)); /* until the files are read again */
    assert_true(tls_refresh(bench->tls, now_us, NULL));
    assert_works(bench, renewed);

    write_file(bench->certificate, "nonsense", 8);
    for (int i = 0; i < 2; i++) {
        assert_false(tls_refresh(bench->tls, now_us, &error));
        assert_non_null(strstr(error.message, "no certificate in PEM"));
        assert_works(bench, renewed);
    }
    certificate_destroy(renewed);

    write_pair(bench);
    renewed = read_pair(bench);
    assert_true(tls_refresh(bench->tls, now_us, NULL));
    assert_works(bench, renewed);
    certificate_destroy(renewed);
}

static void a_certificate_that_expires_while_it_is_shown_is_an_alarm_until_it_is_renewed(void **state)
{
    struct bench *bench = *state;
    struct error error = {0};
    const int64_t expires_us = tls_expires_us(bench->tls);
    assert_true(expires_us > clock_wall_us() && expires_us <= clock_wall_us() + DAY * US_PER_SECOND);
    assert_true(tls_refresh(bench->tls, expires_us - 1, &error));
    assert_false(tls_refresh(bench->tls, expires_us, &error));
    assert_non_null(strstr(error.message, "has expired"));
    assert_false(tls_refresh(bench->tls, expires_us, NULL));
    assert_works(bench, NULL);
    write_pair(bench);
    assert_true(tls_refresh(bench->tls, clock_wall_us(), NULL));
}

/* A client of its own, with its own wishes. */
static int connect_plainly(const struct bench *bench)
{
    int descriptor;
    assert_true(listen_connect(&bench->address, &descriptor, NULL));
    return descriptor;
}

struct client {
    int descriptor;
    gnutls_session_t session;
    gnutls_certificate_credentials_t nobody;
};

static void client_begin(struct client *client, const struct bench *bench, const char *priorities)
{
    client->descriptor = connect_plainly(bench);
    assert_int_equal(gnutls_certificate_allocate_credentials(&client->nobody), 0);
    assert_int_equal(gnutls_init(&client->session, GNUTLS_CLIENT), 0);
    assert_int_equal(gnutls_priority_set_direct(client->session, priorities, NULL), 0);
    gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->nobody);
    gnutls_transport_set_int(client->session, client->descriptor);
    gnutls_handshake_set_timeout(client->session, 20000);
}

static int client_greet(struct client *client)
{
    int result;
    while ((result = gnutls_handshake(client->session)) != 0 && !gnutls_error_is_fatal(result))
        ;
    return result;
}

static void client_end(struct client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->nobody);
    close(client->descriptor);
}

static void client_ask(struct client *client)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
    char reply[1000] = "";
    size_t length = 0;
    assert_int_equal(gnutls_record_send(client->session, request, sizeof request - 1), sizeof request - 1);
    while (!strstr(reply, "\r\n\r\nok\n")) {
        ssize_t more = gnutls_record_recv(client->session, reply + length, sizeof reply - 1 - length);
        assert_true(more > 0 || (more < 0 && !gnutls_error_is_fatal((int)more)));
        length += more > 0 ? (size_t)more : 0;
        reply[length] = '\0';
    }
    assert_memory_equal(reply, "HTTP/1.1 200", 12);
}

static void versions_from_1_2_on_are_spoken_and_older_ones_are_not(void **state)
{
    static const struct {
        const char *priorities;
        gnutls_protocol_t version; /* 0: it comes to none */
    } cases[] = {{"NORMAL:-VERS-ALL:+VERS-TLS1.3", GNUTLS_TLS1_3},
                 {"NORMAL:-VERS-ALL:+VERS-TLS1.2", GNUTLS_TLS1_2},
                 {"LEGACY:-VERS-ALL:+VERS-TLS1.1", 0},
                 {"LEGACY:-VERS-ALL:+VERS-TLS1.0", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client client;
        client_begin(&client, *state, cases[i].priorities);
        int result = client_greet(&client);
        if (cases[i].version) {
            assert_int_equal(result, 0);
            assert_int_equal(gnutls_protocol_get_version(client.session), cases[i].version);
            client_ask(&client);
        } else {
            assert_true(gnutls_error_is_fatal(result));
        }
        client_end(&client);
        assert_works(*state, NULL);
    }
}

static void who_is_connected_stays_so_when_the_certificate_is_renewed(void **state)
{
    struct bench *bench = *state;
    struct client client;
    client_begin(&client, bench, "NORMAL");
    assert_int_equal(client_greet(&client), 0);
    client_ask(&client);
    write_pair(bench);
    assert_true(tls_refresh(bench->tls, clock_wall_us(), NULL));
    client_ask(&client);
    client_end(&client);
}

/* No session is kept: whoever comes back with one is greeted as everybody. */
static void who_wants_to_resume_a_session_is_answered_in_a_new_one(void **state)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
    for (size_t i = 0; i < 2; i++) {
        struct client first, second;
        gnutls_datum_t session = {0};
        client_begin(&first, *state, priorities[i]);
        assert_int_equal(client_greet(&first), 0);
        client_ask(&first);
        assert_int_equal(gnutls_session_get_data2(first.session, &session), 0);
        client_end(&first);
        client_begin(&second, *state, priorities[i]);
        assert_int_equal(gnutls_session_set_data(second.session, session.data, session.size), 0);
        assert_int_equal(client_greet(&second), 0);
        assert_int_equal(gnutls_session_is_resumed(second.session), 0);
        client_ask(&second);
        client_end(&second);
        gnutls_free(session.data);
    }
}

/* What isn't TLS is ended; who only connects, or stops in the midst of a greeting, keeps nobody else. */
static void what_is_no_tls_is_ended_and_nobody_else_notices(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {{"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", 33}, /* without encryption */
                 {"\x16\x03\x01\xff\xff\x01", 6},                 /* a record of a length that none has */
                 {"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9},     /* a greeting of a server */
                 {"\x17\x03\x03\x00\x05hello", 10},               /* data before any greeting */
                 {"\x80\x2e\x01\x03\x01", 5},                     /* SSL 2 */
                 {"\0\0\0\0\0\0\0\0\0\0", 10}};
    struct bench *bench = *state;
    int silent = connect_plainly(bench), slow = connect_plainly(bench);
    assert_works(bench, NULL);
    assert_int_equal(send(slow, "\x16\x03\x01\x02", 4, MSG_NOSIGNAL), 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char reply[100];
        int descriptor = connect_plainly(bench);
        struct timeval patience = {.tv_sec = 20};
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        assert_works(bench, NULL); /* by now it is connected */
        assert_int_equal(send(descriptor, cases[i].bytes, cases[i].length, MSG_NOSIGNAL), cases[i].length);
        shutdown(descriptor, SHUT_WR);
        ssize_t length;
        while ((length = recv(descriptor, reply, sizeof reply, 0)) > 0)
            assert_true(length < 12 || memcmp(reply, "HTTP/1.1", 8) != 0);
        close(descriptor);
        assert_works(bench, NULL);
    }
    close(silent);
    close(slow);
}

int main(void)
{
    log_configure("test", LOG_FORMAT_TEXT, (enum log_level)(LOG_LEVEL_ERROR + 1));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pair_that_can_not_be_shown_is_refused_with_what_to_do, make_files,
                                        remove_files),
        cmocka_unit_test_setup_teardown(a_file_without_an_end_is_refused, make_files, remove_files),
        cmocka_unit_test_setup_teardown(the_probe_knows_the_certificate_that_is_configured, start, stop),
        cmocka_unit_test_setup_teardown(a_probe_of_who_speaks_no_tls_says_so, start, stop),
        cmocka_unit_test_setup_teardown(a_renewed_certificate_is_shown_and_an_error_keeps_the_old, start, stop),
        cmocka_unit_test_setup_teardown(a_certificate_that_expires_while_it_is_shown_is_an_alarm_until_it_is_renewed,
                                        start, stop),
        cmocka_unit_test_setup_teardown(versions_from_1_2_on_are_spoken_and_older_ones_are_not, start, stop),
        cmocka_unit_test_setup_teardown(who_is_connected_stays_so_when_the_certificate_is_renewed, start, stop),
        cmocka_unit_test_setup_teardown(who_wants_to_resume_a_session_is_answered_in_a_new_one, start, stop),
        cmocka_unit_test_setup_teardown(what_is_no_tls_is_ended_and_nobody_else_notices, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
