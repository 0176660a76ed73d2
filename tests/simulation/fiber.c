/* SPDX-License-Identifier: Apache-2.0 */
#include "fiber.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#define STACK_BYTES ((size_t)256 << 10)

struct fiber {
    ucontext_t context, resumer;
    void (*run)(void *);
    void *argument;
    void *stack;
};

static struct fiber *running;

/* makecontext passes ints only. */
static void enter(unsigned high, unsigned low)
{
    struct fiber *fiber = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);
    fiber->run(fiber->argument);
    abort();
}

struct fiber *fiber_new(void (*run)(void *context), void *context)
{
    struct fiber *fiber = calloc(1, sizeof *fiber);
    if (!fiber || !(fiber->stack = malloc(STACK_BYTES)) || getcontext(&fiber->context))
        abort();
    fiber->run = run;
    fiber->argument = context;
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    uint64_t address = (uintptr_t)fiber;
    makecontext(&fiber->context, (void (*)(void))enter, 2, (unsigned)(address >> 32), (unsigned)address);
    return fiber;
}

void fiber_destroy(struct fiber *fiber)
{
    if (!fiber)
        return;
    free(fiber->stack);
    free(fiber);
}

void fiber_resume(struct fiber *fiber)
{
    assert(!running);
    running = fiber;
    swapcontext(&fiber->resumer, &fiber->context);
    running = NULL;
}

void fiber_yield(void)
{
    struct fiber *fiber = running;
    swapcontext(&fiber->context, &fiber->resumer);
    running = fiber;
}
