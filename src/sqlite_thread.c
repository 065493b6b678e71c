/* The thread of a connection, and the way back to the loop. A trip there and
 * back costs more than most statements, nearly all of it for waking threads; so
 * where the last trip was short, both sides look for the next step for some
 * microseconds before they sleep, unless that was in vain: on a busy machine it
 * only keeps the other one from running. The loop does so by turning, not by
 * standing: others are served meanwhile. No Lua here. */
#include <stdatomic.h>
#include <signal.h>
#include "runtime.h"
#include "sqlite.h"

enum {
  LOOK_NS = 40000,    /* how long to look before sleeping */
  QUICK_NS = 100000,  /* a trip that makes it worth while */
  LOOKS_A_TURN = 200, /* a few microseconds */
  LONGEST_PAUSE = 256 /* trips without looking, where it was in vain */
};

static struct {
  _Atomic(struct query *) finished; /* the last one first */
  atomic_bool looking;              /* the loop turns: no need to wake it */
  uv_async_t async;
  uv_idle_t idle;
  uint64_t look_until_ns;
  unsigned waiting; /* queries that have not ended */
  bool open, alone; /* alone: there is one core, and looking would take it */
} way_back;

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* ---- on the loop ---- */

/* Each time in vain doubles the pause until the next attempt. */
static void learn(struct database *database, bool found) {
  unsigned in_vain = database->in_vain;
  database->in_vain = found ? in_vain / 2 : in_vain * 2 + 1;
  if (database->in_vain > LONGEST_PAUSE) database->in_vain = LONGEST_PAUSE;
  if (!found) database->pause = database->in_vain;
}

static bool is_worth_looking(struct database *database) {
  if (way_back.alone || !database->quick) return false;
  if (database->pause == 0) return true;
  database->pause--;
  return false;
}

static void finish(struct query *query) {
  struct database *database = query->database;
  uint64_t took_ns = uv_hrtime() - query->posted_ns;
  database->quick = took_ns < QUICK_NS;
  if (query->looked) learn(database, took_ns < LOOK_NS);
  if (--way_back.waiting == 0) uv_unref((uv_handle_t *)&way_back.async);
  if (query->code == SQLITE_OK && !query->mismatch && !query->needs_writer)
    query->op.cancelled = false; /* too late: nobody does it a second time */
  op_done(&query->op);
}

static void take_finished(void) {
  struct query *query = atomic_exchange(&way_back.finished, NULL);
  struct query *ordered = NULL;
  while (query) {
    struct query *next = query->next;
    query->next = ordered;
    ordered = query;
    query = next;
  }
  while (ordered) {
    struct query *next = ordered->next;
    finish(ordered);
    ordered = next;
  }
}

static void on_finished(uv_async_t *async) {
  (void)async;
  take_finished();
}

static void stop_looking(void) {
  if (!atomic_load(&way_back.looking)) return;
  uv_idle_stop(&way_back.idle);
  atomic_store(&way_back.looking, false);
  take_finished(); /* what came before a thread could see that */
}

static void on_look(uv_idle_t *idle) {
  (void)idle;
  for (int i = 0; i < LOOKS_A_TURN; i++) {
    if (atomic_load_explicit(&way_back.finished, memory_order_relaxed)) break;
    relax();
  }
  take_finished();
  if (way_back.waiting == 0 || uv_hrtime() > way_back.look_until_ns)
    stop_looking();
}

static void look(uint64_t now_ns) {
  way_back.look_until_ns = now_ns + LOOK_NS;
  if (atomic_load(&way_back.looking)) return;
  atomic_store(&way_back.looking, true);
  uv_idle_start(&way_back.idle, on_look);
}

static int open_way_back(void) {
  if (way_back.open) return 0;
  int status = uv_async_init(runtime_loop(), &way_back.async, on_finished);
  if (status < 0) return status;
  uv_unref((uv_handle_t *)&way_back.async);
  uv_idle_init(runtime_loop(), &way_back.idle);
  way_back.alone = uv_available_parallelism() < 2;
  way_back.open = true;
  return 0;
}

/* ---- on the thread ---- */

static void send_back(struct query *query) {
  struct query *last = atomic_load(&way_back.finished);
  do {
    query->next = last;
  } while (!atomic_compare_exchange_weak(&way_back.finished, &last, query));
  if (!atomic_load(&way_back.looking)) uv_async_send(&way_back.async);
}

static bool has_work(struct database *database) {
  return __atomic_load_n(&database->first, __ATOMIC_RELAXED) ||
         __atomic_load_n(&database->leaving, __ATOMIC_RELAXED);
}

static void look_for_work(struct database *database) {
  uint64_t until_ns = uv_hrtime() + LOOK_NS;
  while (!has_work(database)) {
    for (int i = 0; i < 20; i++) relax();
    if (uv_hrtime() > until_ns) return;
  }
}

static struct query *next_query(struct database *database) {
  pthread_mutex_lock(&database->lock);
  database->running = NULL;
  while (!database->first && !database->leaving) {
    database->asleep = true;
    pthread_cond_wait(&database->wake, &database->lock);
    database->asleep = false;
  }
  struct query *query = database->first;
  if (query) {
    database->first = query->next;
    if (!query->next) database->last = NULL;
    database->running = query;
  }
  pthread_mutex_unlock(&database->lock);
  return query;
}

static void *thread_main(void *data) {
  struct database *database = data;
  struct query *query;
  while ((query = next_query(database))) {
    bool soon = query->looked;
    query->run(query);
    pthread_mutex_lock(&database->lock);
    database->running = NULL; /* from here on it is not ours */
    pthread_mutex_unlock(&database->lock);
    send_back(query);
    if (soon) look_for_work(database);
  }
  return NULL;
}

/* ---- from the loop to the thread ---- */

int thread_open(struct database *database) {
  int status = open_way_back();
  if (status < 0) return status;
  pthread_mutex_init(&database->lock, NULL);
  pthread_cond_init(&database->wake, NULL);
  sigset_t all, before;
  sigfillset(&all); /* the main thread takes the signals of the run */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&database->thread, NULL, thread_main, database);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  database->started = error == 0;
  return uv_translate_sys_error(error);
}

void thread_post(struct query *query, void (*run)(struct query *query)) {
  struct database *database = query->database;
  query->run = run;
  query->columns = query->offset = -1;
  query->posted_ns = uv_hrtime();
  query->looked = is_worth_looking(database);
  pthread_mutex_lock(&database->lock);
  query->next = NULL;
  if (database->last)
    database->last->next = query;
  else
    __atomic_store_n(&database->first, query, __ATOMIC_RELAXED);
  database->last = query;
  bool asleep = database->asleep, look_now = query->looked;
  pthread_mutex_unlock(&database->lock);
  if (asleep) pthread_cond_signal(&database->wake);
  if (way_back.waiting++ == 0) uv_ref((uv_handle_t *)&way_back.async);
  if (look_now) look(query->posted_ns);
}

/* Takes a query that has not started out of the queue. */
static bool leave_queue(struct query *query) {
  struct database *database = query->database;
  struct query *before = NULL, *at = database->first;
  while (at && at != query) before = at, at = at->next;
  if (!at) return false;
  if (before)
    before->next = query->next;
  else
    database->first = query->next;
  if (database->last == query) database->last = before;
  return true;
}

void thread_cancel(struct op *op) {
  struct query *query = (struct query *)op;
  struct database *database = query->database;
  pthread_mutex_lock(&database->lock);
  bool queued = leave_queue(query);
  __atomic_store_n(&query->stop, 1, __ATOMIC_RELAXED);
  /* It would end the cursors of the connection, too; the progress handler sees
   * `stop` as well, only not within one long step. */
  bool runs = database->running == query && query->run != run_open;
  if (runs && __atomic_load_n(&database->cursors, __ATOMIC_RELAXED) == 0)
    sqlite3_interrupt(database->handle);
  pthread_mutex_unlock(&database->lock);
  if (!queued) return;
  if (--way_back.waiting == 0) uv_unref((uv_handle_t *)&way_back.async);
  op_done(op);
}

void thread_close(struct database *database) {
  if (!database->started) return;
  pthread_mutex_lock(&database->lock);
  __atomic_store_n(&database->leaving, true, __ATOMIC_RELAXED);
  pthread_mutex_unlock(&database->lock);
  pthread_cond_signal(&database->wake);
  pthread_join(database->thread, NULL);
  pthread_cond_destroy(&database->wake);
  pthread_mutex_destroy(&database->lock);
  database->started = false;
}
