/* SPDX-License-Identifier: Apache-2.0
 * Which properties librdkafka takes, asked before there is a client. */
#ifndef TIDEMARK_KAFKA_PROPERTIES_H
#define TIDEMARK_KAFKA_PROPERTIES_H

#include "base/property.h"

/* A property_check of librdkafka: those of a producer, of a consumer and of topics are all taken. The reason is its own
 * words, with the name that was probably meant behind them. A number with something behind it or one beyond 32 bits is
 * refused too: librdkafka would take what it understands of it, 30 ms for "30 s". */
bool kafka_property_check(const struct property *property, struct property_fault *ret_fault);

#endif
