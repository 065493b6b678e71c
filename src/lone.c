/* See lone.h. A signal that arrives between the thread's look at `stop` and its
 * system call is lost, hence the repetition. The thread takes no other one. */
#include "lone.h"

#include "runtime.h"

#include <signal.h>
#include <string.h>

/* SIGRTMIN stops a worker, SIGURG is the watchdog's. */
#define NUDGE (SIGRTMIN + 1)

enum { NUDGE_MS = 5 };

static void on_signal(int number) {
  (void)number;
}

static void end(struct lone *lone) {
  if (lone->finish) lone->finish(lone);
  op_done(&lone->op);
}

static void on_closed(uv_handle_t *handle) {
  struct lone *lone = handle->data;
  if (--lone->open_handles == 0) end(lone);
}

static void close_handles(struct lone *lone) {
  uv_close((uv_handle_t *)&lone->nudge, on_closed);
  uv_close((uv_handle_t *)&lone->ended, on_closed);
}

static void on_ended(uv_async_t *ended) {
  struct lone *lone = ended->data;
  pthread_join(lone->thread, NULL);
  close_handles(lone);
}

static void *thread_main(void *data) {
  struct lone *lone = data;
  lone->run(lone);
  uv_async_send(&lone->ended);
  return NULL;
}

static void on_nudge(uv_timer_t *nudge) {
  struct lone *lone = nudge->data;
  pthread_kill(lone->thread, NUDGE);
}

static int start_thread(struct lone *lone) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(NUDGE, &action, NULL);
  sigset_t others, before;
  sigfillset(&others);
  sigdelset(&others, NUDGE);
  pthread_sigmask(SIG_SETMASK, &others, &before);
  int error = pthread_create(&lone->thread, NULL, thread_main, lone);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

void lone_start(struct lone *lone, void (*run)(struct lone *lone)) {
  lone->run = run;
  int status = uv_async_init(runtime_loop(), &lone->ended, on_ended);
  if (status != 0) {
    lone->op.status = status;
    end(lone);
    return;
  }
  uv_timer_init(runtime_loop(), &lone->nudge);
  lone->ended.data = lone->nudge.data = lone;
  lone->open_handles = 2;
  int error = start_thread(lone);
  if (error != 0) {
    lone->op.status = -error;
    close_handles(lone);
  }
}

void lone_interrupt(struct lone *lone) {
  if (lone->op.done || uv_is_closing((uv_handle_t *)&lone->ended)) return;
  __atomic_store_n(&lone->stop, 1, __ATOMIC_RELAXED);
  uv_timer_start(&lone->nudge, on_nudge, 0, NUDGE_MS);
}

void lone_cancel(struct op *op) {
  lone_interrupt((struct lone *)op);
}
