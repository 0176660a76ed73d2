/* SPDX-License-Identifier: Apache-2.0 */
#include "failing_memory.h"

#include "cmocka_test.h"

#include <errno.h>

/* MEMORY_WRAPPED: the linker puts __wrap_malloc where malloc is called (--wrap), for there is a sanitizer's malloc. */
#ifdef MEMORY_WRAPPED
#define OURS(name) __wrap_##name
#define THEIRS(name) __real_##name
#define MEMALIGN THEIRS(aligned_alloc)
#else
#define OURS(name) name
#define THEIRS(name) __libc_##name
#define MEMALIGN __libc_memalign
#endif

void *THEIRS(malloc)(size_t size);
void *THEIRS(calloc)(size_t count, size_t size);
void *THEIRS(realloc)(void *memory, size_t size);
void THEIRS(free)(void *memory);
void *MEMALIGN(size_t alignment, size_t size);

void *OURS(malloc)(size_t size);
void *OURS(calloc)(size_t count, size_t size);
void *OURS(realloc)(void *memory, size_t size);
void *OURS(aligned_alloc)(size_t alignment, size_t size);
void OURS(free)(void *memory);

static bool is_armed, is_paused, all_from_there, has_failed;
static unsigned long asked, fails_at;
static long held;

static bool fails(void)
{
    if (!is_armed || is_paused || (++asked != fails_at && !(all_from_there && asked > fails_at)))
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

static void *given(void *memory)
{
    held += memory != NULL;
    return memory;
}

void *OURS(malloc)(size_t size)
{
    return fails() ? NULL : given(THEIRS(malloc)(size));
}

void *OURS(calloc)(size_t count, size_t size)
{
    return fails() ? NULL : given(THEIRS(calloc)(count, size));
}

void *OURS(aligned_alloc)(size_t alignment, size_t size)
{
    return fails() ? NULL : given(MEMALIGN(alignment, size));
}

void *OURS(realloc)(void *memory, size_t size)
{
    if (fails())
        return NULL;
    void *moved = THEIRS(realloc)(memory, size);
    held += !memory && moved;
    return moved;
}

void OURS(free)(void *memory)
{
    held -= memory != NULL;
    THEIRS(free)(memory);
}

#ifdef MEMORY_WRAPPED
char *__wrap_strdup(const char *string);
char *__wrap_strdup(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = __wrap_malloc(size);
    return copy ? memcpy(copy, string, size) : NULL;
}
#endif

void failing_memory_pause(void)
{
    is_paused = true;
}

void failing_memory_resume(void)
{
    is_paused = false;
}

/* An assertion that fails leaves the attempt in the middle, and its message may have had no memory. */
static void tell_where_it_ended(void)
{
    bool ended = is_armed;
    is_armed = false;
    if (ended)
        fprintf(stderr, "a test ended where allocation %lu failed%s\n", fails_at,
                all_from_there ? " and all after it" : "");
}

/* True once the attempt asked for less than `number` allocations, so that none failed. */
static bool attempt_with(memory_attempt attempt, void *context, unsigned long number)
{
    long before = held;
    asked = 0;
    fails_at = number;
    has_failed = false;
    is_armed = true;
    bool done = attempt(context);
    is_armed = false;
#ifndef MEMORY_WRAPPED
    if (held != before)
        fail_msg("%ld allocations are leaked where number %lu fails", held - before, number);
#else
    (void)before;
#endif
    if (!has_failed && !done)
        fail_msg("it isn't done, though it was given all of its %lu allocations", asked);
    return !has_failed;
}

unsigned long fail_every_allocation(memory_attempt attempt, void *context)
{
    static bool is_registered;
    unsigned long number = 1;
    tell_where_it_ended();
    is_paused = false;
    if (!is_registered)
        is_registered = atexit(tell_where_it_ended) == 0;
    (void)attempt(context); /* what is kept for the next time is there from now on */
    for (all_from_there = false; !attempt_with(attempt, context, number);)
        number++;
    all_from_there = true;
    for (unsigned long first = 1; !attempt_with(attempt, context, first);)
        first++;
    assert_true(number > 1);
    return number - 1;
}
