/* The socket of a connection in the loop. It stays watched between two calls,
 * so that a query costs no system call for it, and a server that goes away is
 * noticed; only calls in flight keep the loop alive. No Lua here. */
#include <stdlib.h>
#include "pg.h"
#include "runtime.h"

static void on_closed(uv_handle_t *handle) {
  struct pg_watch *watch = handle->data;
  if (--watch->open == 0) free(watch);
}

void pg_watch_close(struct pg *pg) {
  struct pg_watch *watch = pg->watch;
  pg->watch = NULL;
  pg->events = 0;
  if (watch == NULL) return;
  uv_close((uv_handle_t *)&watch->poll, on_closed);
  uv_close((uv_handle_t *)&watch->limit, on_closed);
  watch->poll.data = watch->limit.data = watch;
}

bool pg_watch_open(struct pg *pg) {
  int fd = PQsocket(pg->conn);
  if (pg->watch && pg->watch->fd == fd) return true;
  pg_watch_close(pg);
  struct pg_watch *watch = malloc(sizeof *watch);
  if (watch == NULL) return false;
  if (uv_poll_init(runtime_loop(), &watch->poll, fd) != 0) {
    free(watch);
    return false;
  }
  uv_timer_init(runtime_loop(), &watch->limit);
  watch->open = 2;
  watch->fd = fd;
  watch->poll.data = watch->limit.data = pg;
  if (pg->call == NULL) uv_unref((uv_handle_t *)&watch->poll);
  pg->watch = watch;
  return true;
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events; /* libpq finds the reason itself */
  pg_ready(poll->data);
}

/* Out of the epoll set while the descriptor is certainly still ours: libpq may
 * close it and get another one with the same number. */
void pg_watch_stop(struct pg *pg) {
  if (pg->events == 0) return;
  uv_poll_stop(&pg->watch->poll);
  pg->events = 0;
}

void pg_want(struct pg *pg, int events) {
  if (pg->watch == NULL || events == pg->events) return;
  if (events == 0) {
    pg_watch_stop(pg);
    return;
  }
  uv_poll_start(&pg->watch->poll, events, on_ready);
  pg->events = events;
}
