/* PostgreSQL for orch.core.postgres: a connection of libpq's whose socket is
 * watched by the loop, and one awaited call at a time on it. libpq is only
 * asked for what it can do without blocking. What is open, retried, prepared
 * or raised is decided in Lua: a call gives `false, what went wrong`. */
#ifndef ORCH_PG_H
#define ORCH_PG_H

#include <lua.h>
#include <postgresql/libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>
#include "op.h"

struct aside;
struct pg_call;
struct pg_notice;

/* A socket in the loop and the time that a cancellation may take; it outlives
 * the connection until both handles are closed. */
struct pg_watch {
  uv_poll_t poll;
  uv_timer_t limit; /* real time, also where a test has made time virtual */
  int fd;
  int open; /* handles */
};

/* A Lua userdata. Lost or closed: `conn` is NULL. */
struct pg {
  PGconn *conn;
  struct pg_watch *watch;
  int events;                     /* what the socket is watched for */
  uint64_t cancel_ms;             /* for the server to end a cancelled query */
  uint64_t give_up, cancel_pause; /* while it has: when, and until it is told
                                     again; of the loop's clock, in ms */
  bool connected;
  bool streaming;       /* between calls rows or COPY data are on their way */
  bool copying_out;     /* COPY data, and its end has not come */
  struct pg_call *call; /* what a task waits for; NULL: idle */
  struct aside *cancelling;
  struct pg_notice *first_notice, *last_notice;
  int notices;
};

/* What a task waits for. The op's arguments keep the connection alive. */
struct pg_call {
  struct op op; /* first */
  struct pg *pg;
  bool (*go)(struct pg_call *call); /* reads what there is; true: complete */
  PGresult *result; /* the last, or the first that failed; NULL: no memory */
  bool discard;     /* reads on only to be rid of what comes */
  bool copying_out; /* COPY data comes that nobody has asked for */
  bool copied;      /* there was some */
  bool complete;
};

#define PG_TYPE "orch.pg"

/* ---- pg_watch.c: the socket in the loop ---- */

/* A watch for the connection's socket, which may be another one than before;
 * false when memory runs out. */
bool pg_watch_open(struct pg *pg);
void pg_watch_close(struct pg *pg);
void pg_watch_stop(struct pg *pg);
void pg_want(struct pg *pg, int events);

/* ---- pg_call.c: the life of a call ---- */

/* A new call on the connection at stack index 1. Raises when it is closed,
 * lost or busy. */
void *pg_call_new(lua_State *L, const struct op_kind *kind,
                  bool (*go)(struct pg_call *call));

/* It was sent (or could not be): waits until it is complete. */
int pg_call_await(lua_State *L, struct pg_call *call, bool sent);

/* The same for what may have arrived already. */
int pg_call_go(lua_State *L, struct pg_call *call);

/* Reads what has arrived; false: no memory. */
bool pg_read(struct pg *pg);

/* Called when the socket is ready. */
void pg_ready(struct pg *pg);
void pg_turn(struct pg *pg);
void pg_finish(struct pg *pg);

/* Closes the connection at once; a call that waits fails. */
void pg_lose(struct pg *pg);

/* The end of a call that is complete, for pg_connect.c. */
void pg_end(struct pg *pg);

/* A `go` that reads all results until the server is ready again. */
bool pg_collect(struct pg_call *call);
void pg_keep(struct pg_call *call, PGresult *result);
bool pg_skip_copy(struct pg_call *call);
bool pg_is_success(const PGresult *result);

/* An op's `cancel`: the server is told, and the op ends when it is ready
 * again, or when it does not answer and the connection is closed. */
void pg_cancel(struct op *op);
void pg_start_cancelling(struct pg *pg);
void pg_call_drop(struct op *op);

/* ---- pg_failure.c ---- */

/* Pushes false and a table with what went wrong. */
int pg_push_failure(lua_State *L, struct pg *pg, const PGresult *result);

void pg_listen_to_notices(struct pg *pg);
void pg_drop_notices(struct pg *pg);
int pg_notices(lua_State *L);

/* ---- pg_value.c: values ---- */

#define PG_FEW 16

struct pg_params {
  int count;
  const char **values; /* NULL: null */
  int *lengths, *formats;
  const char *few_values[PG_FEW];
  int few_lengths[PG_FEW], few_formats[PG_FEW];
  char few_digits[PG_FEW][32];
};

/* Reads the list at `index`, or nil; the strings stay Lua's. `names` is the
 * index of the names that messages give them, or of nil. */
void pg_read_params(lua_State *L, struct pg_params *params, int index,
                    int names);

/* Null and the metatable of blobs: registry keys. */
extern char pg_null_key, pg_blob_key;

void pg_push_value(lua_State *L, const PGresult *result, int row, int column);
void pg_push_row(lua_State *L, const PGresult *result, int row, int names);
int pg_push_names(lua_State *L, const PGresult *result);
void pg_push_json_columns(lua_State *L, const PGresult *result);

/* ---- the calls, methods of a connection ---- */

int pg_connect(lua_State *L);
int pg_resolve(lua_State *L);
int pg_query(lua_State *L);
int pg_script(lua_State *L);
int pg_prepare(lua_State *L);
int pg_many(lua_State *L);
int pg_stream(lua_State *L);
int pg_fetch(lua_State *L);
int pg_stop(lua_State *L);
int pg_copy_start(lua_State *L);
int pg_copy_put(lua_State *L);
int pg_copy_end(lua_State *L);
int pg_copy_get(lua_State *L);

#endif
