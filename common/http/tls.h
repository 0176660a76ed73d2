/* SPDX-License-Identifier: Apache-2.0
 * TLS of a server, 1.2 and up: the certificate that it shows, which is read again when its files change. Who is
 * connected stays so: a new certificate is for those who come. */
#ifndef TIDEMARK_HTTP_TLS_H
#define TIDEMARK_HTTP_TLS_H

#include "http/certificate.h"

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" /* as GnuTLS writes them */

struct tls;

/* Reads the files, whose names outlive it. Errors are those of certificate_read. */
bool tls_open(const struct certificate_files *files, struct tls **ret_tls, struct error *error) MUST_CHECK;
void tls_close(struct tls *tls); /* when no server uses it any more; NULL is allowed */

/* Reads the files again where one has changed; to be called about once a second. False where the certificate that is
 * shown isn't what they hold, because that can't be used, or has expired: the error says why. */
bool tls_refresh(struct tls *tls, int64_t now_us, struct error *error);
int64_t tls_expires_us(struct tls *tls); /* of what is shown */

/* --- for the server --- */

/* Has this session of a server shown the certificate: by tls_show, GnuTLS' callback for it. */
void tls_attach(struct tls *tls, gnutls_session_t session);
gnutls_certificate_retrieve_function3 tls_show;

#endif
