/* SPDX-License-Identifier: Apache-2.0
 * The Redis function library that changes slots. Whoever changes its text raises the version in both names, for a
 * server keeps the library it once loaded, and programs of two releases may share it. */
#ifndef TIDEMARK_REDIS_FUNCTIONS_H
#define TIDEMARK_REDIS_FUNCTIONS_H

#define REDIS_LIBRARY "tidemark_11"

#define REDIS_FUNCTION_INIT REDIS_LIBRARY "_init"
#define REDIS_FUNCTION_COMMIT REDIS_LIBRARY "_commit"
#define REDIS_FUNCTION_OPEN_EPOCH REDIS_LIBRARY "_open_epoch"
#define REDIS_FUNCTION_DROP_EPOCHS REDIS_LIBRARY "_drop_epochs"
#define REDIS_FUNCTION_FORGET REDIS_LIBRARY "_forget"
#define REDIS_FUNCTION_REPLACE REDIS_LIBRARY "_replace"
#define REDIS_FUNCTION_DEFINITIONS REDIS_LIBRARY "_definitions"
#define REDIS_FUNCTION_SLOT REDIS_LIBRARY "_slot"
#define REDIS_FUNCTION_READ REDIS_LIBRARY "_read"

extern const char redis_functions[]; /* for FUNCTION LOAD */

#endif
