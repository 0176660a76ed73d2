/* SPDX-License-Identifier: Apache-2.0
 * A source and its views, and how one version of an order is added to a view or taken back.
 *
 * PURE: no clock, no I/O, no globals. That is why batch and speed agree. Adding is associative and commutative, and
 * taking back undoes adding, so any split of a log gives the same view. */
#ifndef TIDEMARK_VIEW_VIEW_H
#define TIDEMARK_VIEW_VIEW_H

#include "base/bytes_map.h"
#include "base/wide.h"
#include "record/record.h"
#include "view/expression.h"
#include "view/window.h"

#define VIEWS_MAX 64                                 /* of a source, hidden ones among them */
#define DIMENSIONS_MAX 9                             /* of a view; of one that isn't hidden one less */
#define MEASURES_MAX 16                              /* of a view */
#define SUMS_MAX 8                                   /* distinct fields of a view that are summed or counted */
#define NAME_MAX_BYTES 40                            /* of sources, views, dimensions, measures */
#define VIEW_NAME_MAX_BYTES (2 * NAME_MAX_BYTES + 1) /* of views, hidden ones among them */
#define FINGERPRINT_SIZE 17

enum on_duplicate { ON_DUPLICATE_REPLACE, ON_DUPLICATE_IGNORE, ON_DUPLICATE_NONE };
enum measure_kind {
    MEASURE_COUNT,
    MEASURE_SUM,
    MEASURE_AVERAGE,
    MEASURE_UNIQUE, /* how many different values */
    MEASURE_MINIMUM,
    MEASURE_MAXIMUM,
};

struct measure {
    const char *name;
    enum measure_kind kind;
    size_t field; /* summed, averaged, or counted where it isn't null; FIELD_NONE counts versions */
    size_t sum;   /* which of a cell's sums it reads */
};

/* unique, min and max rest on members: the values of a field in a window and group, each with the number of versions
 * that have it. Members are the rows of a hidden view, which has the value as one more dimension, the last, and counts
 * no version without one. It is made of the definition, stands behind the source's other views, and is nowhere shown.
 */

struct view {
    const char *name;
    const struct schema *schema;
    const struct expression *where; /* NULL takes all */
    struct window window;           /* of panes: what is stored */
    int64_t panes;                  /* so many windows, one after the other, are a row; up to 1: panes are rows */
    const struct zone *zone;
    int64_t retention_s;               /* 0 keeps all */
    int64_t watermark_us;              /* how long late versions are waited for; 0: rows are final by batch runs */
    size_t dimensions[DIMENSIONS_MAX]; /* numbers of text or integer fields */
    size_t dimension_count;
    struct measure measures[MEASURES_MAX];
    size_t measure_count;
    size_t sums[SUMS_MAX]; /* fields summed or counted, each once; the sum of a text is 0 */
    size_t sum_count;
    size_t members[MEASURES_MAX]; /* of each measure that rests on members: the number of their view in the source */
    size_t member_count;
    const struct view *shown;           /* of a hidden view: the one whose measures rest on its rows; else NULL */
    char fingerprint[FINGERPRINT_SIZE]; /* hex; changes where the meaning changes */
};

struct source {
    const char *name;
    const char *topic;
    const char *dead_letter; /* topic, or NULL */
    struct schema schema;
    enum on_duplicate on_duplicate;
    int64_t horizon_us;
    int64_t idle_after_us; /* a partition that is silent for so long holds no watermark back */
    bool is_batch_alone;   /* no speed layer reads it: what is answered is what is published */
    bool is_stream_alone;  /* no batch layer publishes it: what is answered is what slots hold, see retention.h */
    int64_t breaker; /* a partition stops when more than so many of its last 2 * breaker messages are bad; 0: never */
    const struct view *views;
    size_t view_count;
    char fingerprint[FINGERPRINT_SIZE]; /* of the source and all its views */
};

/* What is kept of a group in a window: how many versions count, and for each summed field how many weren't null and
 * their sum in minor units. All zero is the neutral element; a cell of which `count` is 0 is no row. */
struct sum {
    int64_t count;
    wide total;
};
struct cell {
    int64_t count;
    /* view->sum_count of them. Behind them one for each measure that rests on members, which is zero in all that is
     * stored or added: what is answered has there how many values there are (the count), or whether there is one and
     * which (count and total). */
    struct sum sums[];
};

size_t cell_size(const struct view *view);
void cell_merge(const struct view *view, struct cell *into, const struct cell *from);     /* into += from */
void cell_take_away(const struct view *view, struct cell *from, const struct cell *cell); /* from -= cell */
bool cell_is_zero(const struct view *view, const struct cell *cell);

/* The cells of one view, keyed by window and group. The key is 8 bytes of window start (host order) and the group. */
struct panes {
    const struct view *view;
    struct bytes_map map;
    struct buffer key;           /* scratch */
    struct window_cursor cursor; /* scratch */
    struct cell *last; /* of a view without dimensions: the cell asked for last, of the window last_start_us */
    int64_t last_start_us;
};

void panes_init(struct panes *panes, const struct view *view);
void panes_clean_up(struct panes *panes);
void panes_clear(struct panes *panes);
struct cell *panes_at(struct panes *panes, int64_t window_start_us, struct text group); /* NULL: memory is short */
size_t panes_count(const struct panes *panes);

struct pane {
    int64_t window_start_us;
    struct text group;
    struct cell *cell;
};
struct pane panes_get(const struct panes *panes, size_t number);
/* Adds to the cell of this window and group; false where memory is short: nothing was added. */
bool panes_add(struct panes *into, int64_t window_start_us, struct text group, const struct cell *cell);
/* Adds all panes of the same view; false where memory is short: some may have been added. */
bool panes_add_all(struct panes *into, const struct panes *from);

/* Whether a version counts in the view: its `where` is true, and in a hidden view its value isn't null. */
bool view_counts(const struct view *view, const struct record *record);
/* The clock of a partition behind a message, of which the record's time may not be known (negative): see struct slot.
 */
int64_t clock_after(int64_t clock_us, int64_t event_time_us, int64_t record_time_us);
/* Whether a message is late that counts in the view: its window had ended at or before the clock that its partition had
 * before it (0: none), less the view's watermark. Of a hopping view that is the first of its windows to end; of
 * sessions it is the one that the message would be alone, which has ended only before that. */
bool view_is_late(const struct view *view, int64_t clock_us, int64_t event_time_us);
/* Adds (sign 1) or takes back (sign -1) a version that counts; false where memory is short (nothing was changed). */
bool view_add(struct panes *panes, const struct record *record, int sign);
/* Both: returns 1 where it counts, 0 where `where` filters it, and -1
 * where memory is short (nothing was changed). */
int view_apply(struct panes *panes, const struct record *record, int sign);

/* Sets used[field] for every field of the schema that a view, or one of the source, reads; leaves the others as they
 * are. */
void view_mark_used(const struct view *view, bool used[]);
void source_mark_used(const struct source *source, bool used[]);
/* The same without what only `where` reads: what adding a version that counts needs. */
void view_mark_added(const struct view *view, bool used[]);

/* A group as bytes: for each dimension "-" for null, else "+", the length in decimal, ":" and the bytes (integers as
 * decimal text). No two groups are alike, and none is a prefix of another of the same view. */
void group_append(const struct view *view, const struct value values[], struct buffer *out);
/* The dimensions of a group; texts point into it. False where the bytes aren't a group of this view. */
bool group_parse(const struct view *view, struct text group, struct value ret_values[]);
/* Order of rows in a window: by dimension, nulls first, text bytewise, integers by number. */
int group_compare(const struct view *view, struct text a, struct text b);

/* Whether a row is made of so many panes, one after the other; and whether it is a session. */
bool view_hops(const struct view *view);
bool view_is_of_sessions(const struct view *view);
/* Either: rows are merged from panes, and PostgreSQL has them as an SQL view over the panes. */
bool view_merges_panes(const struct view *view);
/* How many views of the source aren't hidden: those that stand first. */
size_t source_shown_count(const struct source *source);
/* The number of the field whose values are the members of a hidden view. */
size_t member_field(const struct view *hidden);
/* The shown view's group that a group of the hidden view is of. */
struct text member_group(const struct view *hidden, struct text group);
/* The same, with the value; false where the bytes aren't a group of the hidden view. */
bool member_parse(const struct view *hidden, struct text group, struct text *ret_group, struct value *ret_value);
/* Takes a group of the hidden view, of which a version counts, into what a cell of its shown view says of members.
 * `number` is that of the hidden view in the source; each of its groups is to be taken once. */
void cell_take_member(const struct view *view, struct cell *cell, size_t number, const struct value *member);
/* Takes all cells of a hidden view, of which a version counts, into those of its shown view; false where memory is
 * short. */
bool panes_take_members(struct panes *into, size_t number, const struct panes *members);

bool measure_rests_on_members(const struct measure *measure);
/* Whether its value is null. */
bool measure_is_null(const struct measure *measure, const struct cell *cell);
/* How many versions a count measure counts. */
int64_t measure_count(const struct measure *measure, const struct cell *cell);
/* A measure as JSON: a count, a decimal with exactly its digits, or null where there is none. */
void measure_append(const struct view *view, const struct measure *measure, const struct cell *cell,
                    struct buffer *out);

/* Fills view->fingerprint and source->fingerprint from all that changes an answer; false where memory is short. */
bool view_fingerprint(struct view *view, const struct source *source);
bool source_fingerprint(struct source *source);
/* What fingerprints are made of elsewhere too: appends what of a schema changes an answer, and takes the fingerprint of
 * what was appended, which is cleaned up. */
void schema_print(const struct schema *schema, struct buffer *out);
bool fingerprint_of(struct buffer *form, char ret_fingerprint[FINGERPRINT_SIZE]);

#endif
