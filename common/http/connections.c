/* SPDX-License-Identifier: Apache-2.0 */
#include "http/connections.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

struct connection {
    int descriptor; /* -1: the place is free */
    /* Of the connection's thread alone, without the lock; `since_us` is written before `stage` and read behind it, so
     * that no stage is taken for as old as the one before. */
    _Atomic enum connection_stage stage;
    _Atomic int64_t since_us;
};

struct connections {
    pthread_mutex_t mutex;  /* of the descriptors */
    pthread_cond_t changed; /* there is room, or it is closed */
    bool is_closed;
    size_t capacity;
    atomic_size_t count;
    struct connection places[];
};

struct connections *connections_new(size_t capacity)
{
    struct connections *connections = calloc(1, sizeof *connections + capacity * sizeof connections->places[0]);
    if (!connections)
        return NULL;
    pthread_mutex_init(&connections->mutex, NULL);
    pthread_cond_init(&connections->changed, NULL);
    connections->capacity = capacity;
    for (size_t i = 0; i < capacity; i++)
        connections->places[i].descriptor = -1;
    return connections;
}

void connections_destroy(struct connections *connections)
{
    if (!connections)
        return;
    pthread_cond_destroy(&connections->changed);
    pthread_mutex_destroy(&connections->mutex);
    free(connections);
}

bool connections_wait_for_place(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    while (!connections->is_closed && connections->count == connections->capacity)
        pthread_cond_wait(&connections->changed, &connections->mutex);
    const bool is_open = !connections->is_closed;
    pthread_mutex_unlock(&connections->mutex);
    return is_open;
}

void connections_close(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    connections->is_closed = true;
    pthread_cond_broadcast(&connections->changed);
    pthread_mutex_unlock(&connections->mutex);
}

/* Called with the lock. -1: a free one. */
static struct connection *place_of(struct connections *connections, int descriptor)
{
    for (size_t i = 0; i < connections->capacity; i++)
        if (connections->places[i].descriptor == descriptor)
            return &connections->places[i];
    return NULL;
}

struct connection *connections_add(struct connections *connections, int descriptor)
{
    pthread_mutex_lock(&connections->mutex);
    struct connection *place = place_of(connections, descriptor);
    if (!place && (place = place_of(connections, -1)))
        connections->count++;
    if (place) {
        place->descriptor = descriptor;
        place->stage = CONNECTION_TAKEN_IN;
    }
    pthread_mutex_unlock(&connections->mutex);
    return place;
}

struct connection *connections_find(struct connections *connections, int descriptor)
{
    pthread_mutex_lock(&connections->mutex);
    struct connection *place = place_of(connections, descriptor);
    pthread_mutex_unlock(&connections->mutex);
    return place;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
    if (!connection)
        return;
    pthread_mutex_lock(&connections->mutex);
    connection->descriptor = -1;
    connections->count--;
    pthread_cond_broadcast(&connections->changed);
    pthread_mutex_unlock(&connections->mutex);
}

void connection_mark(struct connection *connection, enum connection_stage stage)
{
    if (!connection || atomic_load_explicit(&connection->stage, memory_order_relaxed) == stage)
        return;
    atomic_store_explicit(&connection->since_us, clock_monotonic_us(), memory_order_relaxed);
    atomic_store_explicit(&connection->stage, stage, memory_order_release);
}

size_t connections_count(const struct connections *connections)
{
    return atomic_load_explicit(&connections->count, memory_order_relaxed);
}

static bool is_late(const struct connection *place, int64_t now_us, const int64_t limits_us[CONNECTION_STAGES])
{
    const enum connection_stage stage = atomic_load_explicit(&place->stage, memory_order_acquire);
    const int64_t since_us = atomic_load_explicit(&place->since_us, memory_order_relaxed);
    return stage < CONNECTION_STAGES && now_us - since_us > limits_us[stage];
}

void connections_reap(struct connections *connections, int64_t now_us, const int64_t limits_us[CONNECTION_STAGES])
{
    pthread_mutex_lock(&connections->mutex);
    for (size_t i = 0; i < connections->capacity; i++) {
        const struct connection *place = &connections->places[i];
        if (place->descriptor >= 0 && is_late(place, now_us, limits_us))
            shutdown(place->descriptor, SHUT_RDWR); /* its thread then finds it closed */
    }
    pthread_mutex_unlock(&connections->mutex);
}
