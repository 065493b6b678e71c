/* The life of a call: sent, read until it is complete, ended; or cancelled on
 * the server and read until that has ended it. */
#include <lauxlib.h>
#include <stdlib.h>
#include "error.h"
#include "pg.h"
#include "pg_aside.h"
#include "runtime.h"

/* Milliseconds to the second cancellation of a statement, then twice as many
 * each time. */
#define FIRST_PAUSE 20

bool pg_is_success(const PGresult *result) {
  switch (PQresultStatus(result)) {
  case PGRES_COMMAND_OK:
  case PGRES_TUPLES_OK:
  case PGRES_SINGLE_TUPLE:
  case PGRES_EMPTY_QUERY:
  case PGRES_COPY_IN:
  case PGRES_COPY_OUT:
    return true;
  default:
    return false;
  }
}

/* ---- reading ---- */

/* The first failure stays, otherwise the last result. */
void pg_keep(struct pg_call *call, PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  bool copies = status == PGRES_COPY_IN || status == PGRES_COPY_OUT;
  if (status == PGRES_COPY_IN)
    PQputCopyEnd(call->pg->conn, "COPY FROM STDIN needs db:copy");
  if (status == PGRES_COPY_OUT) call->copying_out = call->copied = true;
  if (call->discard || copies ||
      (call->result && !pg_is_success(call->result))) {
    PQclear(result);
    return;
  }
  PQclear(call->result);
  call->result = result;
}

/* Data of a COPY that nobody has asked for; false: there is more to come. */
bool pg_skip_copy(struct pg_call *call) {
  char *row;
  int size;
  while ((size = PQgetCopyData(call->pg->conn, &row, 1)) > 0) PQfreemem(row);
  call->copying_out = size == 0;
  return size != 0;
}

bool pg_collect(struct pg_call *call) {
  PGconn *conn = call->pg->conn;
  for (;;) {
    if (call->copying_out && !pg_skip_copy(call)) return false;
    if (PQisBusy(conn)) return false;
    PGresult *result = PQgetResult(conn);
    if (result == NULL) return true;
    pg_keep(call, result);
  }
}

/* ---- the end ---- */

void pg_end(struct pg *pg) {
  struct pg_call *call = pg->call;
  pg->call = NULL;
  if (pg->watch) {
    uv_timer_stop(&pg->watch->limit);
    uv_unref((uv_handle_t *)&pg->watch->poll);
    pg_want(pg, pg->streaming ? 0 : UV_READABLE);
  }
  op_done(&call->op);
}

/* A query that was done before the cancellation came is not done twice. */
void pg_finish(struct pg *pg) {
  struct pg_call *call = pg->call;
  call->complete = true;
  if (pg->cancelling) {
    if (PQstatus(pg->conn) != CONNECTION_BAD)
      return; /* it must not meet the next query */
    aside_abandon(pg->cancelling);
    pg->cancelling = NULL;
  }
  if (call->op.cancelled && !call->discard && call->result &&
      pg_is_success(call->result))
    call->op.cancelled = false;
  pg_end(pg);
}

/* libpq has closed the socket: nobody else's may be taken for it. */
static bool is_lost(struct pg *pg) {
  if (PQstatus(pg->conn) != CONNECTION_BAD) return false;
  pg_watch_close(pg);
  return true;
}

void pg_lose(struct pg *pg) {
  if (pg->cancelling) aside_abandon(pg->cancelling);
  pg->cancelling = NULL;
  struct pg_call *call = pg->call;
  if (call && call->result == NULL && pg->conn && !call->discard)
    call->result = PQmakeEmptyPGresult(pg->conn, PGRES_FATAL_ERROR);
  pg_watch_close(pg);
  if (pg->conn) PQfinish(pg->conn);
  pg->conn = NULL;
  pg->streaming = pg->copying_out = false;
  if (call) pg_end(pg);
}

/* ---- the socket is ready ---- */

void pg_turn(struct pg *pg) {
  struct pg_call *call = pg->call;
  bool complete = call->go(call);
  int unsent = PQflush(pg->conn);
  if (is_lost(pg) || complete)
    pg_finish(pg);
  else
    pg_want(pg, UV_READABLE | (unsent == 1 ? UV_WRITABLE : 0));
}

/* Nobody has asked: a notice, or the server goes away. */
static void look_up(struct pg *pg) {
  PGnotify *notify;
  while ((notify = PQnotifies(pg->conn)) != NULL) PQfreemem(notify);
  is_lost(pg);
}

/* What libpq has no memory for would leave the socket readable for ever. */
bool pg_read(struct pg *pg) {
  return PQconsumeInput(pg->conn) || PQstatus(pg->conn) == CONNECTION_BAD;
}

void pg_ready(struct pg *pg) {
  if (!pg->connected) {
    pg->call->go(pg->call);
    return;
  }
  if (!pg_read(pg))
    pg_lose(pg);
  else if (pg->call)
    pg_turn(pg);
  else
    look_up(pg);
}

/* ---- cancelling ---- */

static void run_cancel(void *data) {
  char words[256];
  PQcancel(data, words, sizeof words);
}

static void drop_cancel(void *data) {
  PQfreeCancel(data);
}

static void on_time(uv_timer_t *timer);

static void wait_until(struct pg *pg, uint64_t when) {
  uint64_t now = uv_now(runtime_loop());
  uv_timer_start(&pg->watch->limit, on_time, when > now ? when - now : 0, 0);
}

/* One that comes before the server has read the whole statement does nothing:
 * it is sent until the statement has ended. */
static void on_cancel_sent(void *owner) {
  struct pg *pg = owner;
  pg->cancelling = NULL;
  if (pg->call == NULL) return;
  if (pg->call->complete) {
    pg_finish(pg);
    return;
  }
  uint64_t again = uv_now(runtime_loop()) + pg->cancel_pause;
  pg->cancel_pause *= 2;
  wait_until(pg, again < pg->give_up ? again : pg->give_up);
}

static void send_cancel(struct pg *pg) {
  PGcancel *cancel = pg->watch ? PQgetCancel(pg->conn) : NULL;
  struct aside_call call = {run_cancel, drop_cancel, on_cancel_sent, cancel,
                            pg};
  if (cancel) pg->cancelling = aside_start(&call);
  if (pg->cancelling) {
    wait_until(pg, pg->give_up);
    return;
  }
  if (cancel) PQfreeCancel(cancel);
  pg_lose(pg);
}

static void on_time(uv_timer_t *timer) {
  struct pg *pg = timer->data;
  if (pg->cancelling || uv_now(runtime_loop()) >= pg->give_up)
    pg_lose(pg);
  else
    send_cancel(pg);
}

void pg_start_cancelling(struct pg *pg) {
  pg_want(pg, UV_READABLE | (pg->events & UV_WRITABLE));
  uv_update_time(runtime_loop()); /* the script may have been busy */
  pg->give_up = uv_now(runtime_loop()) + pg->cancel_ms;
  pg->cancel_pause = FIRST_PAUSE;
  send_cancel(pg);
}

void pg_cancel(struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  pg_start_cancelling(call->pg);
}

/* ---- making ---- */

void *pg_call_new(lua_State *L, const struct op_kind *kind,
                  bool (*go)(struct pg_call *call)) {
  struct pg *pg = luaL_checkudata(L, 1, PG_TYPE);
  if (pg->conn == NULL) error_raise(L, "closed", "db: it is closed");
  if (pg->call)
    error_usage(L, "%s: another task waits on this connection", kind->name);
  struct pg_call *call = op_new(L, kind);
  call->pg = pg;
  call->go = go;
  pg->call = call;
  if (pg->watch) uv_ref((uv_handle_t *)&pg->watch->poll);
  return call;
}

int pg_call_await(lua_State *L, struct pg_call *call, bool sent) {
  struct pg *pg = call->pg;
  int unsent = PQflush(pg->conn);
  if (!sent || is_lost(pg)) {
    call->result = PQmakeEmptyPGresult(pg->conn, PGRES_FATAL_ERROR);
    pg_finish(pg);
  } else {
    pg_want(pg, UV_READABLE | (unsent == 1 ? UV_WRITABLE : 0));
  }
  return op_await(L, &call->op);
}

int pg_call_go(lua_State *L, struct pg_call *call) {
  pg_turn(call->pg);
  return op_await(L, &call->op);
}

void pg_call_drop(struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  PQclear(call->result);
  call->result = NULL;
}
