//  workers: each item once, by several threads at once, and what they wrote is there when the call returns

#include "actors/shell/workers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ITEMS 1000
#define CALLS 200
#define MOST  4

typedef struct board {
    unsigned done[ITEMS];
    size_t by[MOST];
    unsigned call;
} board_t;

static int failures;

static void check (int holds, const char *what)
{
    if (holds)
        return;
    fprintf (stderr, "workers: %s\n", what);
    failures++;
}

static void work (void *context, size_t item, size_t worker)
{
    board_t *board = context;
    if (worker >= MOST)
        abort ();
    board->by[worker]++;
    board->done[item] += board->call;
}

//  Two items of which none ends before the other has begun.
typedef struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    unsigned here;
    size_t workers[2];
} meeting_t;

static void meet (void *context, size_t item, size_t worker)
{
    meeting_t *meeting = context;
    pthread_mutex_lock (&meeting->mutex);
    meeting->workers[item] = worker;
    meeting->here++;
    pthread_cond_broadcast (&meeting->arrived);
    while (meeting->here < 2)
        pthread_cond_wait (&meeting->arrived, &meeting->mutex);
    pthread_mutex_unlock (&meeting->mutex);
}

int main (void)
{
    static board_t board;
    static meeting_t meeting = {
        .mutex = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER};
    unsigned expected = 0;
    workers_t *workers = workers_new (MOST);
    workers_each (workers, meet, &meeting, 2);
    check (meeting.workers[0] != meeting.workers[1], "two items at once need two workers");
    for (board.call = 1; board.call <= CALLS; board.call++) {
        size_t count = board.call % 3 ? ITEMS : board.call % 2;
        workers_each (workers, work, &board, count);
        expected += count ? board.call : 0;
        check (board.done[0] == expected, "the first item was not done once");
    }
    size_t total = 0, sum = 0;
    for (size_t i = 0; i < MOST; i++)
        total += board.by[i];
    for (unsigned call = 1; call <= CALLS; call++)
        sum += call % 3 ? ITEMS : call % 2;
    for (size_t i = 2; i < ITEMS; i++)
        check (board.done[i] == board.done[1], "an item was done more or less often than another");
    check (total == sum, "not as many items were done as there were");
    workers_destroy (&workers);
    workers = workers_new (MOST);
    workers_destroy (&workers); // of which none was ever used
    return failures != 0;
}
