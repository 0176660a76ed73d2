/* SPDX-License-Identifier: Apache-2.0
 * Plays schedules of faults, one a seed, and makes one that fails as small as it can. */
#include <inttypes.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/wide.h"
#include "play.h"

static const char usage[] =
    "usage: simulation [--schedules N] [--seed N] [--jobs N] [--steps LIST] [--trace] [--no-shrink]\n"
    "\n"
    "Plays N schedules (1000), of this seed (by chance) and the ones after it, in so many processes (1): the real "
    "code\n"
    "of the three layers against a log, a Redis and a PostgreSQL in memory, with crashes, lost replies and stores "
    "that\n"
    "come back older. Every answer that says it is complete is compared with an independent recomputation, and when\n"
    "the faults end, everything must come right. What fails is made small and printed as SEED=… --steps ….\n"
    "  --steps LIST   only these steps of the schedule: 3,17,40\n"
    "  --no-shrink    don't make smaller what fails\n"
    "  --trace        say what happens at each step\n"
    "Exits 0 where nothing was found, 1 where something was, 64 where the command line is wrong.\n";

struct options {
    int64_t schedules, seed, jobs;
    bool has_steps, trace, keeps;
    bool skips[SCHEDULE_STEPS];
};

static int fail_usage(const char *what)
{
    fprintf(stderr, "simulation: %s\n%s", what, usage);
    exit(64);
}

static int64_t number_of(const char *text, int64_t least)
{
    int64_t number = 0;
    if (!text || !integer_parse(text_of(text), &number) || number < least)
        fail_usage("a number is wrong or missing");
    return number;
}

static void parse_steps(struct options *options, char *list)
{
    options->has_steps = true;
    memset(options->skips, true, sizeof options->skips);
    for (char *at = strtok(list, ","); at; at = strtok(NULL, ",")) {
        int64_t step = number_of(at, 0);
        if (step < SCHEDULE_STEPS)
            options->skips[step] = false;
    }
}

static struct options parse(int argc, char *argv[])
{
    struct options options = {
        .schedules = 1000, .seed = (int64_t)time(NULL) * 1000003 % INT64_C(1000000000), .jobs = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (strcmp(argv[i], "--trace") == 0)
            options.trace = true;
        else if (strcmp(argv[i], "--no-shrink") == 0)
            options.keeps = true;
        else if (strcmp(argv[i], "--schedules") == 0)
            options.schedules = number_of(argv[++i], 1);
        else if (strcmp(argv[i], "--seed") == 0)
            options.seed = number_of(argv[++i], 0);
        else if (strcmp(argv[i], "--jobs") == 0)
            options.jobs = number_of(argv[++i], 1);
        else if (strcmp(argv[i], "--steps") == 0 && argv[i + 1])
            parse_steps(&options, argv[++i]);
        else
            fail_usage("unknown option");
    }
    if (options.has_steps || options.trace)
        options.schedules = 1;
    return options;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* In a process of its own, silent or not: whether the schedule fails. */
static bool fails(uint64_t seed, const bool skips[SCHEDULE_STEPS], bool silent, bool traces)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (silent && !freopen("/dev/null", "w", stdout))
            _Exit(70);
        world_play(&the_world, seed, skips, traces);
        _Exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* Leaves out as many steps as it can, larger runs of them first (A. Zeller, "Simplifying and Isolating
 * Failure-Inducing Input", 2002, in a simple form). */
static void shrink(uint64_t seed, bool skips[SCHEDULE_STEPS])
{
    for (int size = SCHEDULE_STEPS / 2; size > 0; size /= 2)
        for (int from = 0; from < SCHEDULE_STEPS; from += size) {
            bool tried[SCHEDULE_STEPS];
            memcpy(tried, skips, sizeof tried);
            bool any = false;
            for (int step = from; step < from + size && step < SCHEDULE_STEPS; step++) {
                any = any || !tried[step];
                tried[step] = true;
            }
            if (any && fails(seed, tried, true, false))
                memcpy(skips, tried, sizeof tried);
        }
}

static void report(uint64_t seed, bool skips[SCHEDULE_STEPS])
{
    const char *separator = "";
    shrink(seed, skips);
    printf("smallest: --seed %" PRIu64 " --steps ", seed);
    for (int step = 0; step < SCHEDULE_STEPS; step++)
        if (!skips[step]) {
            printf("%s%d", separator, step);
            separator = ",";
        }
    putchar('\n');
    fails(seed, skips, false, true);
}

/* The share of one job: its seeds, one after the other, until one fails. In memory that its process shares. */
struct share {
    struct figures figures; /* once it is done */
    _Atomic uint64_t at;    /* the seed that is played */
    atomic_bool done;
    pid_t process;
};

#define PROGRESS_SECONDS 60

/* For somebody who waits: the first share says how far it is, and so how far all are. */
static void say_progress(const struct options *options, int64_t played, double *at)
{
    double now = seconds_now();
    if (now - *at < PROGRESS_SECONDS)
        return;
    fprintf(stderr, "about %" PRId64 " of %" PRId64 " schedules\n", played, options->schedules);
    *at = now;
}

static void play_share(const struct options *options, int64_t job, struct share *share)
{
    double said = seconds_now();
    for (int64_t i = job; i < options->schedules; i += options->jobs) {
        share->at = (uint64_t)(options->seed + i);
        world_play(&the_world, share->at, options->has_steps ? options->skips : NULL, options->trace);
        if (job == 0)
            say_progress(options, i + 1, &said);
    }
    share->figures = the_world.figures;
    share->done = true;
    exit(0); /* with the address sanitizer's look for leaks */
}

static void start_share(const struct options *options, int64_t job, struct share *share)
{
    fflush(stdout);
    pid_t process = fork();
    if (process < 0) {
        perror("simulation");
        exit(71);
    }
    if (process == 0)
        play_share(options, job, share);
    share->process = process; /* not by the child, which sees 0 */
}

/* True where all of the share's schedules were right. */
static bool end_share(const struct share *share)
{
    int status = 0;
    waitpid(share->process, &status, 0);
    return share->done && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct share *shares_new(int64_t count)
{
    void *memory =
        mmap(NULL, (size_t)count * sizeof(struct share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("simulation");
        exit(71);
    }
    return memory;
}

static void add_figures(struct figures *sum, const struct figures *more)
{
    sum->schedules += more->schedules;
    sum->steps += more->steps;
    sum->answers += more->answers;
    sum->complete += more->complete;
    sum->publications += more->publications;
    sum->kills += more->kills;
    sum->deferred += more->deferred;
    sum->unread += more->unread;
    sum->replays += more->replays;
}

int main(int argc, char *argv[])
{
    static struct options options;
    options = parse(argc, argv);
    log_configure("simulation", LOG_FORMAT_TEXT,
                  getenv("TIDEMARK_SIMULATION_LOG") ? LOG_LEVEL_DEBUG : (enum log_level)(LOG_LEVEL_ERROR + 1));
    mallopt(M_TRIM_THRESHOLD, 64 << 20); /* schedules free all and take it again */
    world_make(&the_world);
    printf("SEED=%" PRId64 "\n", options.seed);
    double began = seconds_now();
    struct share *shares = shares_new(options.jobs);
    struct figures sum = {0};
    bool right = true;
    for (int64_t job = 0; job < options.jobs; job++)
        start_share(&options, job, &shares[job]);
    for (int64_t job = 0; job < options.jobs; job++) {
        bool done = end_share(&shares[job]);
        add_figures(&sum, &shares[job].figures);
        if (!done && right) {
            printf("the schedule of seed %" PRIu64 " fails\n", shares[job].at);
            if (!options.has_steps && !options.trace && !options.keeps)
                report(shares[job].at, options.skips);
        }
        right = right && done;
    }
    double took = seconds_now() - began;
    printf("%" PRId64 " schedules in %.1f s (%.0f a minute): %" PRId64 " steps, %" PRId64 " answers, %" PRId64
           " complete, %" PRId64 " with deferred, %" PRId64 " publications, %" PRId64
           " cuts of what nobody read, %" PRId64 " kills: %s\n",
           sum.schedules, took, (double)sum.schedules / took * 60, sum.steps, sum.answers, sum.complete, sum.deferred,
           sum.publications, sum.unread, sum.kills, right ? "all exact, none stuck" : "FOUND");
    return right ? 0 : 1;
}
