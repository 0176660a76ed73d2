/* SPDX-License-Identifier: Apache-2.0 */
#include "http/connections.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

struct connection {
    int descriptor; /* -1: the place is free */
    enum connection_stage stage;
    int64_t since_us;
};

struct connections {
    pthread_mutex_t mutex;
    size_t capacity, count;
    struct connection places[];
};

struct connections *connections_new(size_t capacity)
{
    struct connections *connections = calloc(1, sizeof *connections + capacity * sizeof connections->places[0]);
    if (!connections)
        return NULL;
    pthread_mutex_init(&connections->mutex, NULL);
    connections->capacity = capacity;
    for (size_t i = 0; i < capacity; i++)
        connections->places[i].descriptor = -1;
    return connections;
}

void connections_destroy(struct connections *connections)
{
    if (!connections)
        return;
    pthread_mutex_destroy(&connections->mutex);
    free(connections);
}

struct connection *connections_add(struct connections *connections, int descriptor)
{
    struct connection *place = NULL;
    pthread_mutex_lock(&connections->mutex);
    for (size_t i = 0; !place && i < connections->capacity; i++)
        if (connections->places[i].descriptor < 0)
            place = &connections->places[i];
    if (place) {
        *place = (struct connection){.descriptor = descriptor, .since_us = clock_monotonic_us()};
        connections->count++;
    }
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
    pthread_mutex_unlock(&connections->mutex);
}

void connections_mark(struct connections *connections, struct connection *connection, enum connection_stage stage)
{
    if (!connection)
        return;
    pthread_mutex_lock(&connections->mutex);
    if (connection->stage != stage)
        connection->since_us = clock_monotonic_us();
    connection->stage = stage;
    pthread_mutex_unlock(&connections->mutex);
}

size_t connections_count(struct connections *connections)
{
    pthread_mutex_lock(&connections->mutex);
    size_t count = connections->count;
    pthread_mutex_unlock(&connections->mutex);
    return count;
}

void connections_reap(struct connections *connections, int64_t now_us, const int64_t limits_us[CONNECTION_STAGES])
{
    pthread_mutex_lock(&connections->mutex);
    for (size_t i = 0; i < connections->capacity; i++) {
        const struct connection *place = &connections->places[i];
        if (place->descriptor >= 0 && place->stage != CONNECTION_ENDLESS &&
            now_us - place->since_us > limits_us[place->stage])
            shutdown(place->descriptor, SHUT_RDWR); /* its thread then finds it closed */
    }
    pthread_mutex_unlock(&connections->mutex);
}
