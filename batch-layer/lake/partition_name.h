/* SPDX-License-Identifier: Apache-2.0
 * Folders by a column's values, named as Hive and Spark name them. */
#ifndef TIDEMARK_BATCH_PARTITION_NAME_H
#define TIDEMARK_BATCH_PARTITION_NAME_H

#include "base/buffer.h"
#include "base/error.h"

/* What an empty value is named, and null. A value that says the same shares their folder, as it does with Spark. */
#define PARTITION_WITHOUT_VALUE "__HIVE_DEFAULT_PARTITION__"

/* Appends "/column=value", percent-encoded. ERROR_DATA where that is too long for a name. */
bool partition_name_append(struct buffer *path, const char *column, struct text value, struct error *error) MUST_CHECK;

#endif
