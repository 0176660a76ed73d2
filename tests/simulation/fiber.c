/* SPDX-License-Identifier: Apache-2.0 */
#include "fiber.h"

#include <assert.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#define STACK_BYTES ((size_t)256 << 10)

/* swapcontext asks the kernel for the signal mask each time, which is a third of the simulation's time; _setjmp
 * doesn't, but the address sanitizer can't follow it from stack to stack. */
#ifdef __SANITIZE_ADDRESS__
#define JUMPS false
#else
#define JUMPS true
#endif

struct fiber {
    ucontext_t context, resumer;
    jmp_buf context_jump, resumer_jump;
    bool has_begun;
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

void fiber_resume(struct fiber *fiber)
{
    assert(!running);
    running = fiber;
    if (!JUMPS || !fiber->has_begun) {
        fiber->has_begun = true;
        if (!JUMPS || _setjmp(fiber->resumer_jump) == 0)
            swapcontext(&fiber->resumer, &fiber->context);
    } else if (_setjmp(fiber->resumer_jump) == 0) {
        _longjmp(fiber->context_jump, 1);
    }
    running = NULL;
}

void fiber_yield(void)
{
    struct fiber *fiber = running;
    if (!JUMPS)
        swapcontext(&fiber->context, &fiber->resumer);
    else if (_setjmp(fiber->context_jump) == 0)
        _longjmp(fiber->resumer_jump, 1);
    running = fiber;
}
