/* SPDX-License-Identifier: Apache-2.0 */
#include "http/certificate.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/timestamp.h"

#define PEM_BYTES_MAX ((size_t)1 << 20)
#define CHAIN_MAX 16
#define KEY_ID_BYTES 32

struct certificate {
    gnutls_x509_crt_t chain[CHAIN_MAX]; /* the server's own first */
    unsigned length;
    gnutls_x509_privkey_t key;
    int64_t expires_us;
};

static bool read_pem(const char *path, struct buffer *out, struct error *error)
{
    int failure = file_read(path, PEM_BYTES_MAX + 1, out);
    if (failure == ENOMEM)
        return error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    if (failure)
        return error_set(error, ERROR_CONFIGURATION, "%s: %s: name a file in PEM that this user may read", path,
                         strerror(failure));
    return out->length <= PEM_BYTES_MAX ||
           error_set(error, ERROR_CONFIGURATION, "%s: the file is longer than 1 MiB", path);
}

static gnutls_datum_t datum_of(const struct buffer *bytes)
{
    return (gnutls_datum_t){(unsigned char *)bytes->data, (unsigned)bytes->length};
}

static bool take_chain(struct certificate *certificate, const char *path, const struct buffer *pem, struct error *error)
{
    const gnutls_datum_t datum = datum_of(pem);
    unsigned length = CHAIN_MAX;
    int failure = gnutls_x509_crt_list_import(certificate->chain, &length, &datum, GNUTLS_X509_FMT_PEM,
                                              GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (failure == GNUTLS_E_MEMORY_ERROR)
        return error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    if (failure == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return error_set(error, ERROR_CONFIGURATION,
                         "%s: more than %d certificates: leave the server's own and those "
                         "that lead to one that others trust",
                         path, CHAIN_MAX);
    if (failure <= 0)
        return error_set(error, ERROR_CONFIGURATION,
                         "%s: no certificate in PEM, which is between lines BEGIN "
                         "CERTIFICATE and END CERTIFICATE: %s",
                         path, gnutls_strerror(failure ? failure : GNUTLS_E_NO_CERTIFICATE_FOUND));
    certificate->length = length;
    return true;
}

static bool refuse_time(const char *path, const char *what, time_t at, const char *remedy, struct error *error)
{
    struct buffer shown = {0};
    buffer_append_timestamp(&shown, (int64_t)at * US_PER_SECOND);
    error_set(error, ERROR_CONFIGURATION, "%s: the certificate %s %s: %s", path, what, buffer_string(&shown), remedy);
    buffer_clean_up(&shown);
    return false;
}

/* Each of the chain has to be valid, or who asks trusts none. */
static bool check_times(struct certificate *certificate, const char *path, int64_t now_us, struct error *error)
{
    certificate->expires_us = INT64_MAX;
    for (unsigned i = 0; i < certificate->length; i++) {
        time_t begins = gnutls_x509_crt_get_activation_time(certificate->chain[i]);
        time_t ends = gnutls_x509_crt_get_expiration_time(certificate->chain[i]);
        if (ends * US_PER_SECOND <= now_us)
            return refuse_time(path, "has expired, at", ends, "put a renewed one there", error);
        if (begins * US_PER_SECOND > now_us)
            return refuse_time(path, "isn't valid before", begins, "check this machine's clock", error);
        if (ends * US_PER_SECOND < certificate->expires_us)
            certificate->expires_us = ends * US_PER_SECOND;
    }
    return true;
}

static bool take_key(struct certificate *certificate, const char *path, const struct buffer *pem, struct error *error)
{
    const gnutls_datum_t datum = datum_of(pem);
    int failure = gnutls_x509_privkey_init(&certificate->key);
    if (failure == 0)
        failure = gnutls_x509_privkey_import2(certificate->key, &datum, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    if (failure == GNUTLS_E_MEMORY_ERROR)
        return error_set(error, ERROR_INTERNAL, "%s: memory is short", path);
    return failure == 0 || error_set(error, ERROR_CONFIGURATION, "%s: no private key in PEM, without a passphrase: %s",
                                     path, gnutls_strerror(failure));
}

static bool check_fit(const struct certificate *certificate, const struct certificate_files *files, struct error *error)
{
    unsigned char of_certificate[KEY_ID_BYTES], of_key[KEY_ID_BYTES];
    size_t sizes[] = {KEY_ID_BYTES, KEY_ID_BYTES};
    bool fits =
        gnutls_x509_crt_get_key_id(certificate->chain[0], GNUTLS_KEYID_USE_SHA256, of_certificate, &sizes[0]) == 0 &&
        gnutls_x509_privkey_get_key_id(certificate->key, GNUTLS_KEYID_USE_SHA256, of_key, &sizes[1]) == 0 &&
        sizes[0] == sizes[1] && memcmp(of_certificate, of_key, sizes[0]) == 0;
    return fits || error_set(error, ERROR_CONFIGURATION,
                             "%s: the key isn't that of the first certificate in %s: put both there as they were "
                             "issued together",
                             files->key, files->certificate);
}

static bool read_certificate(struct certificate *certificate, const char *path, int64_t now_us, struct error *error)
{
    struct buffer pem = {0};
    bool fine = read_pem(path, &pem, error) && take_chain(certificate, path, &pem, error) &&
                check_times(certificate, path, now_us, error);
    buffer_clean_up(&pem);
    return fine;
}

static bool read_key(struct certificate *certificate, const char *path, struct error *error)
{
    struct buffer pem = {0};
    bool fine = read_pem(path, &pem, error) && take_key(certificate, path, &pem, error);
    if (pem.data)
        explicit_bzero(pem.data, pem.length);
    buffer_clean_up(&pem);
    return fine;
}

bool certificate_read(const struct certificate_files *files, int64_t now_us, struct certificate **ret_certificate,
                      bool *ret_key_is_wrong, struct error *error)
{
    struct certificate *certificate = calloc(1, sizeof *certificate);
    *ret_key_is_wrong = false;
    if (!certificate)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    if (read_certificate(certificate, files->certificate, now_us, error)) {
        if (read_key(certificate, files->key, error) && check_fit(certificate, files, error)) {
            *ret_certificate = certificate;
            return true;
        }
        *ret_key_is_wrong = true;
    }
    certificate_destroy(certificate);
    return false;
}

void certificate_destroy(struct certificate *certificate)
{
    if (!certificate)
        return;
    for (unsigned i = 0; i < certificate->length; i++)
        gnutls_x509_crt_deinit(certificate->chain[i]);
    gnutls_x509_privkey_deinit(certificate->key);
    free(certificate);
}

int64_t certificate_expires_us(const struct certificate *certificate)
{
    return certificate->expires_us;
}

bool certificate_is_shown(const struct certificate *certificate, gnutls_session_t session)
{
    unsigned length = 0;
    const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &length);
    return shown && length > 0 && gnutls_x509_crt_equals2(certificate->chain[0], &shown[0]);
}

static void free_chain(gnutls_pcert_st *chain, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        gnutls_pcert_deinit(&chain[i]);
    gnutls_free(chain);
}

static bool copy_key(const struct certificate *certificate, gnutls_privkey_t *ret_key)
{
    gnutls_privkey_t key;
    if (gnutls_privkey_init(&key) != 0)
        return false;
    if (gnutls_privkey_import_x509(key, certificate->key, GNUTLS_PRIVKEY_IMPORT_COPY) != 0) {
        gnutls_privkey_deinit(key);
        return false;
    }
    *ret_key = key;
    return true;
}

bool certificate_copy(const struct certificate *certificate, gnutls_pcert_st **ret_chain, unsigned *ret_length,
                      gnutls_privkey_t *ret_key)
{
    gnutls_pcert_st *chain = gnutls_calloc(certificate->length, sizeof *chain);
    unsigned length = 0;
    if (!chain)
        return false;
    while (length < certificate->length && gnutls_pcert_import_x509(&chain[length], certificate->chain[length], 0) == 0)
        length++;
    if (length < certificate->length || !copy_key(certificate, ret_key)) {
        free_chain(chain, length);
        return false;
    }
    *ret_chain = chain;
    *ret_length = length;
    return true;
}
