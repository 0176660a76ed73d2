/* SPDX-License-Identifier: Apache-2.0 */
#include "http/tls.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

struct tls {
    struct certificate_files files;
    pthread_mutex_t mutex; /* guards `shown` */
    struct certificate *shown;
    /* Of the thread that refreshes. */
    struct file_state seen_certificate, seen_key;
    struct error fault; /* of the last reading; code ERROR_NONE: it was right */
};

/* Whether a file has changed since this was asked last. */
static bool look(struct tls *tls)
{
    const struct file_state certificate = file_state_of(tls->files.certificate), key = file_state_of(tls->files.key);
    bool same = file_state_equal(&certificate, &tls->seen_certificate) && file_state_equal(&key, &tls->seen_key);
    tls->seen_certificate = certificate;
    tls->seen_key = key;
    return !same;
}

bool tls_open(const struct certificate_files *files, struct tls **ret_tls, struct error *error)
{
    bool key_is_wrong;
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return error_set(error, ERROR_INTERNAL, "out of memory");
    tls->files = *files;
    pthread_mutex_init(&tls->mutex, NULL);
    (void)look(tls); /* before they are read: what is written meanwhile is seen the next time */
    if (!certificate_read(files, clock_wall_us(), &tls->shown, &key_is_wrong, error)) {
        tls_close(tls);
        return false;
    }
    *ret_tls = tls;
    return true;
}

void tls_close(struct tls *tls)
{
    if (!tls)
        return;
    certificate_destroy(tls->shown);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

static void show(struct tls *tls, struct certificate *certificate)
{
    pthread_mutex_lock(&tls->mutex);
    struct certificate *before = tls->shown;
    tls->shown = certificate;
    pthread_mutex_unlock(&tls->mutex);
    certificate_destroy(before);
}

static void read_again(struct tls *tls, int64_t now_us)
{
    struct certificate *certificate;
    bool key_is_wrong;
    tls->fault = (struct error){0};
    if (certificate_read(&tls->files, now_us, &certificate, &key_is_wrong, &tls->fault)) {
        show(tls, certificate);
        log_info("%s and its key were read again", tls->files.certificate);
    } else {
        log_error("the certificate stays as it was: %s", tls->fault.message);
    }
}

bool tls_refresh(struct tls *tls, int64_t now_us, struct error *error)
{
    if (look(tls))
        read_again(tls, now_us);
    if (tls->fault.code == ERROR_NONE && tls_expires_us(tls) <= now_us) {
        error_set(&tls->fault, ERROR_CONFIGURATION, "%s: the certificate has expired: put a renewed one there",
                  tls->files.certificate);
        log_error("%s", tls->fault.message);
    }
    return tls->fault.code == ERROR_NONE || error_set(error, tls->fault.code, "%s", tls->fault.message);
}

int64_t tls_expires_us(struct tls *tls)
{
    pthread_mutex_lock(&tls->mutex);
    int64_t expires_us = certificate_expires_us(tls->shown);
    pthread_mutex_unlock(&tls->mutex);
    return expires_us;
}

void tls_attach(struct tls *tls, gnutls_session_t session)
{
    gnutls_session_set_ptr(session, tls);
}

int tls_show(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs,
             unsigned *pcert_length, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_length, gnutls_privkey_t *privkey,
             unsigned *flags)
{
    (void)info;
    struct tls *tls = gnutls_session_get_ptr(session);
    pthread_mutex_lock(&tls->mutex);
    bool copied = certificate_copy(tls->shown, certs, pcert_length, privkey);
    pthread_mutex_unlock(&tls->mutex);
    *ocsp = NULL;
    *ocsp_length = 0;
    *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
    return copied ? 0 : -1;
}
