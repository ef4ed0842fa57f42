/* SPDX-License-Identifier: MIT */
/* Connections to Ceph clusters, shared by the process. */
#include "vsirados_priv.h"

#include "pyr_alloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_BYTES 16

enum state
{
    CONNECTING, /* one thread does, the others wait */
    READY,
    FAILED
};

/* Written under the mutex of its process, but for rados, which the thread that
 * connects writes before anybody uses it. */
struct vsirados_connection
{
    char *conf_file;
    char *user;
    char *cluster;
    unsigned timeout_s;
    rados_t rados;
    enum state state;
    enum pyr_result result; /* of a failed one */
    struct vsirados_error error;
    bool listed; /* may be taken by others */
    unsigned nusers;
    struct vsirados_connection *next;
};

struct vsirados_process
{
    pid_t pid;
    pthread_mutex_t mutex;
    pthread_cond_t settled; /* some connection is no longer CONNECTING */
    struct vsirados_connection *first;
    /* Of the process that this one was forked from: its threads are not here,
     * so nothing of it can be used or ended. */
    struct vsirados_process *parent;
};

enum pyr_result vsirados_clusters_new(void (*debug)(const char *text),
                                      struct vsirados_clusters **out_clusters)
{
    struct vsirados_clusters *clusters = pyr_calloc(1, sizeof *clusters);

    if (clusters == NULL)
        return PYR_NOMEM;
    clusters->debug = debug;
    *out_clusters = clusters;
    return PYR_OK;
}

static void free_connection(struct vsirados_connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->rados != NULL)
        rados_shutdown(connection->rados);
    pyr_free(connection->conf_file);
    pyr_free(connection->user);
    pyr_free(connection->cluster);
    pyr_free(connection);
}

void vsirados_clusters_free(struct vsirados_clusters *clusters)
{
    if (clusters == NULL)
        return;
    struct vsirados_process *process = atomic_load(&clusters->process);
    if (process != NULL && process->pid == getpid())
    {
        struct vsirados_connection *next = process->first;
        while (next != NULL)
        {
            struct vsirados_connection *connection = next;
            next = connection->next;
            if (connection->nusers == 0)
                free_connection(connection);
        }
        pthread_cond_destroy(&process->settled);
        pthread_mutex_destroy(&process->mutex);
        pyr_free(process);
    }
    pyr_free(clusters);
}

void vsirados_clusters_count(struct vsirados_clusters *clusters,
                             struct vsirados_counts *out_counts)
{
    out_counts->reads = atomic_load(&clusters->reads);
    out_counts->writes = atomic_load(&clusters->writes);
    out_counts->removals = atomic_load(&clusters->removals);
    out_counts->listings = atomic_load(&clusters->listings);
    out_counts->bytes_read = atomic_load(&clusters->bytes_read);
    out_counts->bytes_written = atomic_load(&clusters->bytes_written);
    out_counts->connections = atomic_load(&clusters->connections);
}

static struct vsirados_process *new_process(struct vsirados_process *parent)
{
    struct vsirados_process *process = pyr_calloc(1, sizeof *process);

    if (process == NULL)
        return NULL;
    if (pthread_mutex_init(&process->mutex, NULL) != 0)
        goto no_mutex;
    if (pthread_cond_init(&process->settled, NULL) != 0)
        goto no_settled;
    process->pid = getpid();
    process->parent = parent;
    return process;

no_settled:
    pthread_mutex_destroy(&process->mutex);
no_mutex:
    pyr_free(process);
    return NULL;
}

/* Without a lock: in a forked child it might be held by a thread that is not
 * there. NULL when out of memory. */
static struct vsirados_process *this_process(struct vsirados_clusters *clusters)
{
    struct vsirados_process *found = atomic_load(&clusters->process);

    if (found != NULL && found->pid == getpid())
        return found;
    struct vsirados_process *made = new_process(found);
    if (made == NULL ||
        atomic_compare_exchange_strong(&clusters->process, &found, made))
        return made;
    pthread_cond_destroy(&made->settled);
    pthread_mutex_destroy(&made->mutex);
    pyr_free(made);
    return found;
}

static bool fits(const struct vsirados_connection *connection,
                 const struct vsirados_settings *settings)
{
    return connection->timeout_s == settings->timeout_s &&
           strcmp(connection->conf_file, settings->conf_file) == 0 &&
           strcmp(connection->user, settings->user) == 0 &&
           strcmp(connection->cluster, settings->cluster) == 0;
}

static struct vsirados_connection *
new_connection(const struct vsirados_settings *settings)
{
    struct vsirados_connection *connection = pyr_calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    connection->conf_file = pyr_strdup(settings->conf_file);
    connection->user = pyr_strdup(settings->user);
    connection->cluster = pyr_strdup(settings->cluster);
    connection->timeout_s = settings->timeout_s;
    if (connection->conf_file != NULL && connection->user != NULL &&
        connection->cluster != NULL)
        return connection;
    free_connection(connection);
    return NULL;
}

/* Without timeouts, a server that stops would hold the caller for ever. What
 * librados has to tell comes back as errors, not on the standard error stream;
 * a socket for its administration is for servers. */
static int set_options(const struct vsirados_connection *connection)
{
    char seconds[NUMBER_BYTES];
    const char *const options[][2] = {
        {"client_mount_timeout", seconds}, {"rados_mon_op_timeout", seconds},
        {"rados_osd_op_timeout", seconds}, {"log_to_stderr", "false"},
        {"err_to_stderr", "false"},        {"admin_socket", ""}};
    int status = 0;

    (void)snprintf(seconds, sizeof seconds, "%u", connection->timeout_s);
    for (size_t i = 0; i < sizeof options / sizeof *options && status == 0; i++)
        status =
            rados_conf_set(connection->rados, options[i][0], options[i][1]);
    return status;
}

static enum pyr_result refuse(const struct vsirados_connection *connection,
                              int status, const char *doing,
                              struct vsirados_error *err)
{
    const enum pyr_result result =
        vsirados_fail(err, status, connection->timeout_s, doing);

    pyr_error_prefix(&err->text, "cluster %s of %s as %s", connection->cluster,
                     connection->conf_file, connection->user);
    return result == PYR_NOMEM ? PYR_NOMEM : PYR_IO;
}

static enum pyr_result establish(struct vsirados_connection *connection,
                                 struct vsirados_error *err)
{
    int status = rados_create2(&connection->rados, connection->cluster,
                               connection->user, 0);

    if (status < 0)
    {
        connection->rados = NULL;
        return refuse(connection, status, "the name cannot be used", err);
    }
    status = set_options(connection);
    if (status >= 0)
        status = rados_conf_read_file(connection->rados, connection->conf_file);
    if (status < 0)
        return refuse(connection, status, "the file cannot be used", err);
    status = rados_connect(connection->rados);
    if (status == -ENOENT)
        return refuse(connection, status,
                      "its monitors, or a keyring with its key", err);
    return status < 0 ? refuse(connection, status, "connecting", err) : PYR_OK;
}

struct attempt
{
    struct vsirados_connection *connection;
    enum pyr_result result;
};

static void *attempt_main(void *arg)
{
    struct attempt *attempt = arg;

    attempt->result =
        establish(attempt->connection, &attempt->connection->error);
    return NULL;
}

/* On a thread of its own: librados draws the number by which servers know this
 * client from a generator of the calling thread, which forked children inherit.
 * They would be taken for one another. */
static enum pyr_result establish_apart(struct vsirados_connection *connection)
{
    struct attempt attempt = {connection, PYR_IO};
    pthread_t thread;
    const int status = pthread_create(&thread, NULL, attempt_main, &attempt);

    if (status != 0)
        return refuse(connection, -status, "starting a thread",
                      &connection->error);
    (void)pthread_join(thread, NULL);
    return attempt.result;
}

/* With the mutex held. */
static void unlist(struct vsirados_process *process,
                   struct vsirados_connection *connection)
{
    struct vsirados_connection **link = &process->first;

    while (*link != NULL && *link != connection)
        link = &(*link)->next;
    if (*link != NULL)
        *link = connection->next;
    connection->listed = false;
}

/* With the mutex held, which is released meanwhile. */
static void connect_for_all(struct vsirados_process *process,
                            struct vsirados_connection *connection)
{
    pthread_mutex_unlock(&process->mutex);
    const enum pyr_result result = establish_apart(connection);
    pthread_mutex_lock(&process->mutex);
    connection->result = result;
    connection->state = result == PYR_OK ? READY : FAILED;
    /* Those who wait share the failure; who comes later tries again. */
    if (result != PYR_OK)
        unlist(process, connection);
    pthread_cond_broadcast(&process->settled);
}

enum pyr_result vsirados_user_take(struct vsirados_clusters *clusters,
                                   const struct vsirados_settings *settings,
                                   struct vsirados_user *out_user,
                                   struct vsirados_error *err)
{
    struct vsirados_process *process = this_process(clusters);
    struct vsirados_connection *connection = NULL;

    if (process == NULL)
        return vsirados_fail(err, -ENOMEM, 0, NULL);
    pthread_mutex_lock(&process->mutex);
    connection = process->first;
    while (connection != NULL && !fits(connection, settings))
        connection = connection->next;
    const bool is_new = connection == NULL;
    if (is_new)
    {
        connection = new_connection(settings);
        if (connection == NULL)
        {
            pthread_mutex_unlock(&process->mutex);
            return vsirados_fail(err, -ENOMEM, 0, NULL);
        }
        connection->next = process->first;
        connection->listed = true;
        process->first = connection;
        atomic_fetch_add(&clusters->connections, 1);
    }
    connection->nusers++;
    if (is_new)
        connect_for_all(process, connection);
    while (connection->state == CONNECTING)
        pthread_cond_wait(&process->settled, &process->mutex);
    const enum pyr_result result = connection->result;
    *err = connection->error;
    out_user->process = process;
    out_user->connection = connection;
    out_user->rados = connection->rados;
    out_user->timeout_s = connection->timeout_s;
    pthread_mutex_unlock(&process->mutex);
    if (result != PYR_OK)
        vsirados_user_give(out_user);
    return result;
}

bool vsirados_user_is_ours(const struct vsirados_user *user)
{
    return user->process->pid == getpid();
}

void vsirados_user_give(struct vsirados_user *user)
{
    struct vsirados_connection *connection = user->connection;

    if (!vsirados_user_is_ours(user))
        return;
    pthread_mutex_lock(&user->process->mutex);
    const bool last = --connection->nusers == 0 && !connection->listed;
    pthread_mutex_unlock(&user->process->mutex);
    if (last)
        free_connection(connection);
}

void vsirados_user_retire(const struct vsirados_user *user)
{
    pthread_mutex_lock(&user->process->mutex);
    if (user->connection->listed)
        unlist(user->process, user->connection);
    pthread_mutex_unlock(&user->process->mutex);
}
