/* An op with a thread of its own, for calls that may block for ever (a FIFO,
 * flock) and would starve the thread pool. Cancelling interrupts the call with
 * a signal, again and again until the thread has noticed. */
#ifndef ORCH_LONE_H
#define ORCH_LONE_H

#include "op.h"

#include <pthread.h>

struct lone {
  struct op op;
  void (*run)(struct lone *lone); /* on its thread: no Lua; see lone_stopped */
  void (*finish)(struct lone *lone); /* on the loop's, just before op_done */
  pthread_t thread;
  uv_async_t ended;
  uv_timer_t nudge; /* real time, also where a test has made time virtual */
  int open_handles;
  volatile int stop;
};

/* Starts `run` on a new thread; op_done follows on the loop's thread. A system
 * call that `run` makes fails with EINTR once the op should end: it must then
 * look at lone_stopped and return. Use lone_cancel as the kind's `cancel`; set
 * `finish` where a result that nobody will get must be undone. */
void lone_start(struct lone *lone, void (*run)(struct lone *lone));
void lone_cancel(struct op *op);

/* Interrupts the thread without cancelling the op (a timeout of its own). */
void lone_interrupt(struct lone *lone);

static inline bool lone_stopped(struct lone *lone) {
  return __atomic_load_n(&lone->stop, __ATOMIC_RELAXED);
}

#endif
