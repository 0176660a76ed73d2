/* SPDX-License-Identifier: Apache-2.0
 * A server's certificate, with those that lead from it to one that others trust, and its key: from files in PEM. */
#ifndef TIDEMARK_HTTP_CERTIFICATE_H
#define TIDEMARK_HTTP_CERTIFICATE_H

#include <gnutls/abstract.h>
#include <stdint.h>

#include "base/error.h"

struct certificate_files {
    const char *certificate, *key; /* paths */
};

struct certificate;

/* Reads both. ERROR_CONFIGURATION, with what to do, where one can't be read, the certificate isn't valid at `now_us`
 * (wall clock), or the key isn't the certificate's: then *ret_key_is_wrong says whether the key is to blame. */
bool certificate_read(const struct certificate_files *files, int64_t now_us, struct certificate **ret_certificate,
                      bool *ret_key_is_wrong, struct error *error) MUST_CHECK;
void certificate_destroy(struct certificate *certificate); /* NULL is allowed */

int64_t certificate_expires_us(const struct certificate *certificate); /* the first of the chain that does */

/* Whether it is the certificate that whoever is at the other end of the session has shown. */
bool certificate_is_shown(const struct certificate *certificate, gnutls_session_t session);

/* Copies, for a session to keep and free, of the chain (allocated by gnutls_malloc) and of the key. False: memory is
 * short. */
bool certificate_copy(const struct certificate *certificate, gnutls_pcert_st **ret_chain, unsigned *ret_length,
                      gnutls_privkey_t *ret_key) MUST_CHECK;

#endif
