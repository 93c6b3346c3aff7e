//  workers - a few threads that share out the items of one call

#include "actors/shell/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct helper {
    workers_t *workers;
    size_t number; // 1 …
    pthread_t thread;
} helper_t;

struct workers {
    pthread_mutex_t mutex;
    pthread_cond_t begun; // a call, or the end of all
    pthread_cond_t ended; // the last helper has no more to do
    helper_t *helpers;
    size_t helper_max;
    size_t helper_count; // started
    bool started;
    bool stopping;
    unsigned call;  // counts them
    size_t working; // helpers in this call
    work_t work;
    void *context;
    size_t count;
    size_t next; // item that nobody has taken yet
};

workers_t *workers_new (size_t most)
{
    long processors = sysconf (_SC_NPROCESSORS_ONLN);
    size_t count = processors < 2 ? 2 : (size_t)processors;
    workers_t *self = calloc (1, sizeof *self);
    if (!self)
        return NULL;
    self->helper_max = (count < most ? count : most) - 1;
    self->helpers = calloc (self->helper_max + 1, sizeof *self->helpers);
    if (!self->helpers) {
        free (self);
        return NULL;
    }
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->begun, NULL);
    pthread_cond_init (&self->ended, NULL);
    return self;
}

void workers_destroy (workers_t **self_p)
{
    workers_t *self = *self_p;
    if (!self)
        return;
    pthread_mutex_lock (&self->mutex);
    self->stopping = true;
    pthread_cond_broadcast (&self->begun);
    pthread_mutex_unlock (&self->mutex);
    for (size_t i = 0; i < self->helper_count; i++)
        pthread_join (self->helpers[i].thread, NULL);
    pthread_cond_destroy (&self->begun);
    pthread_cond_destroy (&self->ended);
    pthread_mutex_destroy (&self->mutex);
    free (self->helpers);
    free (self);
    *self_p = NULL;
}

//  Takes items until there are none; the mutex is held, but not while working.
static void items_take (workers_t *self, size_t worker)
{
    while (self->next < self->count) {
        size_t item = self->next++;
        pthread_mutex_unlock (&self->mutex);
        self->work (self->context, item, worker);
        pthread_mutex_lock (&self->mutex);
    }
}

static void *helper_run (void *argument)
{
    helper_t *helper = argument;
    workers_t *self = helper->workers;
    unsigned call = 0;
    pthread_mutex_lock (&self->mutex);
    for (;;) {
        while (!self->stopping && self->call == call)
            pthread_cond_wait (&self->begun, &self->mutex);
        if (self->stopping)
            break;
        call = self->call;
        items_take (self, helper->number);
        if (--self->working == 0)
            pthread_cond_signal (&self->ended);
    }
    pthread_mutex_unlock (&self->mutex);
    return NULL;
}

//  Where threads cannot be had, fewer do it; signals are main's business.
static void helpers_start (workers_t *self)
{
    sigset_t all, before;
    self->started = true;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    while (self->helper_count < self->helper_max) {
        helper_t *helper = &self->helpers[self->helper_count];
        *helper = (helper_t){.workers = self, .number = self->helper_count + 1};
        if (pthread_create (&helper->thread, NULL, helper_run, helper))
            break;
        self->helper_count++;
    }
    pthread_sigmask (SIG_SETMASK, &before, NULL);
}

void workers_each (workers_t *self, work_t work, void *context, size_t count)
{
    if (count > 1 && !self->started)
        helpers_start (self);
    pthread_mutex_lock (&self->mutex);
    self->work = work;
    self->context = context;
    self->count = count;
    self->next = 0;
    self->working = self->helper_count;
    self->call++;
    if (self->helper_count)
        pthread_cond_broadcast (&self->begun);
    items_take (self, 0);
    while (self->working)
        pthread_cond_wait (&self->ended, &self->mutex);
    pthread_mutex_unlock (&self->mutex);
}
