/* SPDX-License-Identifier: Apache-2.0
 * What a client would rather have: the weighted lists of Accept and Accept-Encoding (RFC 9110, 12.4.2 and 12.5). */
#ifndef TIDEMARK_HTTP_PREFERENCE_H
#define TIDEMARK_HTTP_PREFERENCE_H

#define WEIGHT_MAX 1000

/* The weight that a list gives to a name ("text/csv", "gzip"), in thousandths; 0: it isn't wanted. An entry that has
 * the name itself decides before one for all of its kind ("text/" and a star), and this before a star for everything.
 * Parameters but the weight are passed over; an entry that can't be understood counts for nothing. */
int preference_weight(const char *list, const char *name);

#endif
