/* SPDX-License-Identifier: Apache-2.0
 * A heap of which the k-th allocation fails, for every k: what asked for it must say so, leak nothing and go on.
 *
 * A program that has this linked to it has its malloc and its like stand before those of the C library. Without a
 * sanitizer that holds for the shared libraries too (libyaml, hiredis, the C library's own files), and what is held is
 * counted. With one only what is linked into the program asks here, and the sanitizer looks for leaks. */
#ifndef TIDEMARK_TESTS_FAILING_MEMORY_H
#define TIDEMARK_TESTS_FAILING_MEMORY_H

#include <stdbool.h>

/* Does the work and gives back all that it took. True where it did all of it and what came out is right; false where it
 * said that memory is short. Asserts that it is one or the other. */
typedef bool (*memory_attempt)(void *context);

/* Attempts with the first allocation failing, then the second, and so on, until an attempt asks for no more; then the
 * same where all allocations from the k-th on fail. Fails the test where an attempt that was given everything isn't
 * done, or where something is leaked. Returns how many allocations there were. */
unsigned long fail_every_allocation(memory_attempt attempt, void *context);

/* While paused, allocations are the test's own and don't fail. */
void failing_memory_pause(void);
void failing_memory_resume(void);

#endif
