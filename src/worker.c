/* Threads of our own, never the pool of libuv: a long computation there would
 * starve the files. As many as cores, started when first needed, fed from one
 * FIFO queue. A running call is stopped by a signal to its thread, whose
 * handler sets a debug hook: that costs nothing until it happens. No Lua here.
 */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <uv.h>
#include "runtime.h"

#define MAX_THREADS 64
#define STOP_SIGNAL SIGRTMIN

_Thread_local struct lane *volatile worker_lane;

struct list {
  struct lane *first, **end;
};

static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t threads[MAX_THREADS];
  unsigned count, limit, idle, queued;
  struct list queue, finished;
  unsigned waiting; /* calls that have not ended; the main thread's own */
  uv_async_t async;
  bool open, closing;
  struct lane *running[MAX_THREADS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void append(struct list *list, struct lane *lane) {
  if (!list->first) list->end = &list->first;
  lane->next = NULL;
  *list->end = lane;
  list->end = &lane->next;
}

static struct lane *shift(struct list *list) {
  struct lane *lane = list->first;
  if (lane) list->first = lane->next;
  return lane;
}

static void remove_from(struct list *list, struct lane *lane) {
  struct lane **link = &list->first;
  while (*link != lane) link = &(*link)->next;
  *link = lane->next;
  if (list->end == &lane->next) list->end = link;
}

static void on_stop_signal(int signal) {
  (void)signal;
  struct lane *lane = worker_lane;
  if (lane && lane->stop) lane_interrupt(lane);
}

static struct lane *next_lane(unsigned self) {
  struct lane *lane;
  while (!(lane = shift(&pool.queue)) && !pool.closing) {
    pool.idle++;
    pthread_cond_wait(&pool.wake, &pool.lock);
    pool.idle--;
  }
  if (!lane) return NULL;
  pool.queued--;
  lane->queued = false;
  lane->thread = self;
  if (lane->op) pool.running[self] = lane; /* closing is not interrupted */
  return lane;
}

static void *work(void *arg) {
  unsigned self = (unsigned)(uintptr_t)arg;
  struct lane *lane;
  pthread_mutex_lock(&pool.lock);
  while ((lane = next_lane(self))) {
    bool call = lane->op != NULL;
    pthread_mutex_unlock(&pool.lock);
    worker_lane = lane;
    if (call) lane_run(lane);
    worker_lane = NULL;
    if (!call) lane_free(lane);
    pthread_mutex_lock(&pool.lock);
    pool.running[self] = NULL;
    if (!call) continue;
    append(&pool.finished, lane);
    uv_async_send(&pool.async);
  }
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

static void on_call_ended(struct op *op) {
  if (--pool.waiting == 0) uv_unref((uv_handle_t *)&pool.async);
  op_done(op);
}

static void on_finished(uv_async_t *async) {
  (void)async;
  pthread_mutex_lock(&pool.lock);
  struct lane *lane = pool.finished.first;
  pool.finished.first = NULL;
  pthread_mutex_unlock(&pool.lock);
  while (lane) {
    struct lane *next = lane->next;
    struct op *op = lane->op;
    lane->op = NULL;
    on_call_ended(op);
    lane = next;
  }
}

unsigned worker_limit(void) {
  unsigned cores = uv_available_parallelism();
  return cores < MAX_THREADS ? cores : MAX_THREADS;
}

static int open_pool(void) {
  struct sigaction action = {.sa_handler = on_stop_signal};
  int status = uv_async_init(runtime_loop(), &pool.async, on_finished);
  if (status < 0) return status;
  uv_unref((uv_handle_t *)&pool.async);
  sigaction(STOP_SIGNAL, &action, NULL);
  pool.limit = worker_limit();
  pool.open = true;
  return 0;
}

/* With the lock held. */
static int start_thread(void) {
  sigset_t others, before;
  sigfillset(&others); /* the main thread takes the signals of the run */
  sigdelset(&others, STOP_SIGNAL);
  pthread_sigmask(SIG_SETMASK, &others, &before);
  int error = pthread_create(&pool.threads[pool.count], NULL, work,
                             (void *)(uintptr_t)pool.count);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) pool.count++;
  return pool.count > 0 ? 0 : uv_translate_sys_error(error);
}

/* With the lock held. */
static int enqueue(struct lane *lane) {
  int status = 0;
  if (pool.idle <= pool.queued && pool.count < pool.limit)
    status = start_thread();
  if (status < 0) return status;
  append(&pool.queue, lane);
  lane->queued = true;
  pool.queued++;
  pthread_cond_signal(&pool.wake);
  return 0;
}

int worker_start(struct lane *lane) {
  int status = pool.open ? 0 : open_pool();
  if (status < 0) return status;
  pthread_mutex_lock(&pool.lock);
  lane->stop = false;
  status = enqueue(lane);
  pthread_mutex_unlock(&pool.lock);
  if (status == 0 && pool.waiting++ == 0) uv_ref((uv_handle_t *)&pool.async);
  return status;
}

bool worker_stop(struct lane *lane) {
  pthread_mutex_lock(&pool.lock);
  bool queued = lane->queued;
  if (queued) {
    remove_from(&pool.queue, lane);
    lane->queued = false;
    pool.queued--;
  } else {
    lane->stop = true;
    if (pool.running[lane->thread] == lane)
      pthread_kill(pool.threads[lane->thread], STOP_SIGNAL);
  }
  pthread_mutex_unlock(&pool.lock);
  if (!queued) return false;
  struct op *op = lane->op;
  lane->op = NULL;
  on_call_ended(op);
  return true;
}

void worker_retire(struct lane *lane) {
  lane->op = NULL;
  pthread_mutex_lock(&pool.lock);
  bool here = !lane->L || pool.closing || pool.count == 0 || enqueue(lane) < 0;
  pthread_mutex_unlock(&pool.lock);
  if (here) lane_free(lane);
}

void worker_close(void) {
  if (!pool.open) return;
  pthread_mutex_lock(&pool.lock);
  pool.closing = true;
  for (unsigned i = 0; i < pool.count; i++) {
    if (!pool.running[i]) continue;
    pool.running[i]->stop = true;
    pthread_kill(pool.threads[i], STOP_SIGNAL);
  }
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  for (unsigned i = 0; i < pool.count; i++) pthread_join(pool.threads[i], NULL);
  uv_close((uv_handle_t *)&pool.async, NULL);
  pool.open = false;
}
