/* First in, first out; a seed puts each batch into a random order. */
#include "ready.h"

#include <stdlib.h>
#include <uv.h>
#include "task.h"

#define RUN_NS 1000000u  /* look at the loop at least once a millisecond */
#define LOOK_AT_CLOCK 64 /* steps between two looks at the time */

static struct {
  struct task *first, *last;
  uint64_t random; /* of the shuffle; 0: FIFO */
} queue;

void ready_add(struct task *task) {
  task->state = TASK_READY;
  task->ready_next = NULL;
  if (queue.last)
    queue.last->ready_next = task;
  else
    queue.first = task;
  queue.last = task;
}

static uint64_t random_next(void) { /* xorshift64*, Vigna 2016 */
  queue.random ^= queue.random >> 12;
  queue.random ^= queue.random << 25;
  queue.random ^= queue.random >> 27;
  return queue.random * 0x2545F4914F6CDD1Du;
}

void ready_shuffle(uint64_t seed) {
  queue.random = seed * 2 + 1;
}

/* Puts the tasks that are ready now into a random order. */
static void shuffle_batch(void) {
  size_t n = 0;
  for (struct task *t = queue.first; t; t = t->ready_next) n++;
  struct task **batch = n > 1 ? malloc(n * sizeof *batch) : NULL;
  if (!batch) return;
  n = 0;
  for (struct task *t = queue.first; t; t = t->ready_next) batch[n++] = t;
  for (size_t i = n - 1; i > 0; i--) {
    size_t j = random_next() % (i + 1);
    struct task *swap = batch[i];
    batch[i] = batch[j];
    batch[j] = swap;
  }
  queue.first = queue.last = NULL;
  for (size_t i = 0; i < n; i++) ready_add(batch[i]);
  free(batch);
}

/* The next task has its step. With many tasks each one's memory is cold. */
static struct task *run_next(lua_State *L) {
  struct task *task = queue.first;
  queue.first = task->ready_next;
  if (queue.first)
    __builtin_prefetch(queue.first->co);
  else
    queue.last = NULL;
  task_step(L, task);
  return task;
}

/* The tasks that are ready now, before any that they make ready. */
static void run_shuffled(lua_State *L) {
  shuffle_batch();
  struct task *last = queue.last;
  while (queue.first && run_next(L) != last) {
  }
}

static void run_in_order(lua_State *L) {
  for (int i = 0; i < LOOK_AT_CLOCK && queue.first && !queue.random; i++)
    run_next(L);
}

bool ready_any(void) {
  return queue.first != NULL;
}

void ready_run(lua_State *L) {
  uint64_t stop = uv_hrtime() + RUN_NS;
  while (queue.first) {
    if (queue.random)
      run_shuffled(L);
    else
      run_in_order(L);
    if (uv_hrtime() >= stop) break;
  }
}
