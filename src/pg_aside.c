/* See pg_aside.h. Two owners share an aside, its thread and the loop; the last
 * to leave frees it. */
#include "pg_aside.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>
#include "runtime.h"

struct aside {
  struct aside_call call;
  uv_async_t over;
  pthread_mutex_t mutex; /* of what follows */
  bool abandoned;        /* the loop's handle is going or gone */
  int owners;
};

static void leave(struct aside *aside) {
  pthread_mutex_lock(&aside->mutex);
  bool last = --aside->owners == 0;
  pthread_mutex_unlock(&aside->mutex);
  if (!last) return;
  aside->call.drop(aside->call.data);
  pthread_mutex_destroy(&aside->mutex);
  free(aside);
}

static void *thread_main(void *data) {
  struct aside *aside = data;
  aside->call.run(aside->call.data);
  pthread_mutex_lock(&aside->mutex);
  if (!aside->abandoned) uv_async_send(&aside->over);
  pthread_mutex_unlock(&aside->mutex);
  leave(aside);
  return NULL;
}

static void on_closed(uv_handle_t *handle) {
  struct aside *aside = handle->data;
  if (!aside->abandoned) aside->call.ended(aside->call.owner);
  leave(aside);
}

static void on_over(uv_async_t *over) {
  uv_close((uv_handle_t *)over, on_closed);
}

static void on_never_started(uv_handle_t *handle) {
  free(handle->data);
}

static int start_thread(struct aside *aside) {
  pthread_t thread;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, NULL, thread_main, aside);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) pthread_detach(thread);
  return error;
}

struct aside *aside_start(const struct aside_call *call) {
  struct aside *aside = calloc(1, sizeof *aside);
  if (aside == NULL) return NULL;
  if (uv_async_init(runtime_loop(), &aside->over, on_over) != 0) {
    free(aside);
    return NULL;
  }
  aside->call = *call;
  aside->over.data = aside;
  aside->owners = 2;
  pthread_mutex_init(&aside->mutex, NULL);
  if (start_thread(aside) == 0) return aside;
  pthread_mutex_destroy(&aside->mutex);
  uv_close((uv_handle_t *)&aside->over, on_never_started);
  return NULL;
}

void aside_abandon(struct aside *aside) {
  pthread_mutex_lock(&aside->mutex);
  aside->abandoned = true;
  pthread_mutex_unlock(&aside->mutex);
  uv_handle_t *over = (uv_handle_t *)&aside->over;
  if (!uv_is_closing(over)) uv_close(over, on_closed);
}
