/* SPDX-License-Identifier: Apache-2.0
 * One partition that this process follows: opened from the stores, applied message by message, committed.
 *
 * It knows neither Kafka nor Redis: messages are given to it, and the stores are ports. Whatever a store answers, the
 * way on is the same: a commit that isn't taken closes the partition, and it is opened again from what is true. */
#ifndef TIDEMARK_SPEED_PARTITION_H
#define TIDEMARK_SPEED_PARTITION_H

#include "partition/breaker.h"
#include "partition/conditions.h"
#include "partition/index.h"
#include "partition/load.h"
#include "ports/log.h"
#include "ports/publication_store.h"
#include "ports/realtime_store.h"

enum partition_state {
    PARTITION_CLOSED,  /* nothing is known: open it */
    PARTITION_READING, /* below the slot's next offset: messages only fill the index */
    PARTITION_RUNNING, /* messages are applied */
    PARTITION_STOPPED, /* nothing is taken any more: by the breaker until it is made again, by the limit of groups or
                          of the index until it is opened again; see `alarm` */
};

#define PARTITION_ALARM_BREAKER "breaker"
#define PARTITION_ALARM_GROUPS "groups" /* as many of them, or bytes, as there may be */
#define PARTITION_ALARM_INDEX "index"   /* of a source without a batch layer: its index knows all, and has no room */
#define PARTITION_ALARM_UNREADABLE "unreadable" /* it runs, and can't read what comes next */

/* What all partitions of a worker share. */
struct partition_environment {
    struct realtime_store *realtime;
    struct publication_store *publications;
    struct index_budget *budget;
    struct load_limits limits; /* of a slot */
};

/* Where the log stands when a partition is opened. */
struct log_extent {
    const char *cluster;
    int64_t partitions;      /* of the topic */
    bool accepts_partitions; /* a slot that begins takes that for what the topic may have, where nothing is published */
    int64_t first, end;
    /* The offset of the first message whose record time is at or after `at_us`; -1 where it isn't known, as where the
     * log begins later than at `first` by now. */
    int64_t (*offset_at)(const struct log_extent *log, struct slot_id id, int64_t at_us);
    void *context;
    /* What was published of the source a moment ago, so that it is asked for once for many partitions; NULL where that
     * isn't known. What was published since makes no more of it than another look. */
    const struct publication *published;
    /* The first offset that the partition ever had, as the consumer group remembers it; from now on it remembers
     * `first` where it doesn't. Asked for where nothing else outlives the slots. NULL: nobody remembers. */
    bool (*record_first)(const struct log_extent *log, struct slot_id id, int64_t first, int64_t *ret_first,
                         struct error *error);
};

struct partition {
    struct slot_id id;
    const struct source *source;
    const struct partition_environment *environment;
    enum partition_state state;
    struct slot slot;        /* as of the last commit */
    int64_t published_epoch; /* as last heard; 0 where it isn't known */
    struct load load;        /* in the slot, after that epoch: no less than there is */
    int64_t counted_share;   /* of its ceilings, when that was counted last; see load_share */
    int64_t wanted_epoch;    /* what was found then; see struct slot */
    struct decoder *decoder;
    struct index *index; /* NULL where the source has no versions */
    struct breaker breaker;
    int64_t rebuilds;    /* of its slot, since it was made */
    const char *alarm;   /* why it stands still, for the slot; NULL where it doesn't */
    int64_t position;    /* the next offset to take */
    int64_t accept_from; /* messages below only fill the index */

    struct conditions conditions;
    struct panes *panes; /* not yet committed: one a view */
    struct ledger ledger;
    int64_t clock_us, idle_us, deferred_us;
    struct panes *leaving;      /* one a view: what the next commit takes out of the slot; NULL: nothing */
    int64_t leaving_us;         /* by this clock */
    int64_t index_bytes;        /* the index needs more than that, where it was stopped by it */
    int64_t tail, tail_time_us; /* of the last message before `position`, see struct slot */
    uint64_t tail_hash;
    struct gaps gaps;                 /* the slot's, and what the log had lost when it was opened */
    int64_t end, real_end;            /* of the log, as last heard; see struct consumer_operations */
    bool is_left;                     /* its owner leaves it: who reads the slot hears of no end from now on */
    int64_t pending;                  /* messages taken since the last commit */
    char commit_id[INCARNATION_SIZE]; /* "" where none was tried */

    /* Called for each bad message before it is accounted for; may be NULL. */
    void (*on_bad)(void *context, struct partition *partition, const struct log_message *message,
                   const struct rejection *rejection);
    void *context;
};

struct partition *partition_new(const struct partition_environment *environment, const struct source *source,
                                int32_t number);
void partition_destroy(struct partition *partition);

/* Reads both stores, begins the slot anew where it doesn't fit what is published or is damaged, and sets `position` to
 * where reading the log begins. On failure it is closed still. ERROR_TRY_AGAIN: somebody else changed the slot
 * meanwhile. ERROR_CONFIGURATION: another cluster or topic; an operator must act. ERROR_DATA:
 * its slot's meta key was edited, or has a newer format; an operator must act. Where it was stopped by the limit
 * of groups and is still near it, it is stopped again. */
bool partition_open(struct partition *partition, const struct log_extent *log, struct error *error) MUST_CHECK;

/* What the slot holds together with what is pending, of its ceilings: see load_share. It counts high. */
int64_t partition_share(const struct partition *partition);
/* True where what is pending could leave more in the slot than there may be. It counts high: partition_audit counts
 * once more. Where the slot holds nothing, anything fits. */
bool partition_is_full(const struct partition *partition);
/* Whether to count once more: it seems to be full, or has come to half of its ceilings or further. */
bool partition_needs_count(const struct partition *partition);

/* Forgets what isn't committed and takes nothing more; `alarm` is a literal. */
void partition_stop(struct partition *partition, const char *alarm);

/* True where it takes messages: neither closed nor stopped. */
bool partition_is_open(const struct partition *partition);

/* Takes messages in ascending order; those below `position` are passed over. False where memory is short, or, with
 * ERROR_CONFIGURATION, where the topic isn't the one that was read before: then the partition is closed. Where the
 * breaker trips it is stopped, and all that wasn't committed is forgotten. */
bool partition_take(struct partition *partition, const struct log_message messages[], size_t count,
                    struct error *error) MUST_CHECK;

/* The log shows nothing before `offset` any more (control records, an end): position moves up. */
void partition_advance(struct partition *partition, int64_t offset);

/* Nothing has come for as long as the source says, and nothing is left to read: the next commit says that nothing older
 * than `at_us` is waited for. While one is tried again it stays as it is. */
void partition_note_idle(struct partition *partition, int64_t at_us);

/* True where something waits to be committed, also a commit without an answer that had nothing in it, and the log's end
 * where the slot doesn't say it; of a stopped partition that is its alarm. */
bool partition_has_pending(const struct partition *partition);

/* Commits what is pending; tried again after an error it sends the same commit, and until then nothing may be taken.
 * Where the store refuses it, the partition is closed, *ret_answer says why, and true is returned. */
bool partition_commit(struct partition *partition, enum commit_answer *ret_answer, struct error *error) MUST_CHECK;

/* The same for up to PARTITIONS_AT_ONCE of one store, in one round trip. *ret_answered of them, the first ones, have an
 * answer, and an error is of the one behind: that and the next ones are to be tried again. */
#define PARTITIONS_AT_ONCE 32
bool partitions_commit(struct partition *const partitions[], size_t count, enum commit_answer ret_answers[],
                       size_t *ret_answered, struct error *error) MUST_CHECK;

/* Of a source without a batch layer: whether panes are in the slot that are days past their view's retention. */
bool partition_has_expired(const struct partition *partition);
/* Has the next commit take them out; of one that runs and has nothing pending. ERROR_DATA where the slot is damaged. */
bool partition_drop_expired(struct partition *partition, struct error *error) MUST_CHECK;
void partition_forget_leaving(struct partition *partition);

/* Whether what stopped it for want of memory for its index may have room now. */
bool partition_index_fits(const struct partition *partition);

/* Whether the slot is still as this partition left it (a store that came back older isn't, and without new messages
 * nothing else would show it) and fits what is published. Not to be asked while a commit is being tried again. */
bool partition_check(struct partition *partition, const struct publication *publication, bool *ret_fits,
                     struct error *error) MUST_CHECK;

/* Reads the whole slot, and says whether its cells are what its ledger says; logs what is damaged. */
bool partition_audit(struct partition *partition, bool *ret_sound, struct error *error) MUST_CHECK;

/* 128 random bits in hex: names of incarnations and commits. */
bool partition_random_id(char ret_id[INCARNATION_SIZE], struct error *error) MUST_CHECK;

/* Forgets all that is not committed; it may be opened again. */
void partition_close(struct partition *partition);

#endif
