/* SPDX-License-Identifier: Apache-2.0
 * Which properties librdkafka takes, asked before there is a client. */
#ifndef TIDEMARK_KAFKA_PROPERTIES_H
#define TIDEMARK_KAFKA_PROPERTIES_H

#include "base/property.h"

/* A property_check of librdkafka: those of a producer, of a consumer and of topics are all taken. The reason is its own
 * words, with the name that was probably meant behind them. A number with something behind it or one beyond 32 bits is
 * refused too: librdkafka would take what it understands of it, 30 ms for "30 s". */
bool kafka_property_check(const struct property *property, struct property_fault *ret_fault);

/* A properties_check of librdkafka: makes a consumer and a producer as the programs do, but without brokers. Files of
 * certificates are read; what could ask a server for a ticket or a token is left away. */
bool kafka_properties_check(const struct property properties[], size_t count, size_t *ret_number,
                            struct property_fault *ret_fault);

#endif
