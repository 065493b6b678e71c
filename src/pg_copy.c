/* COPY: bytes to the server, as fast as it takes them, and from it, as they
 * are asked for. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "pg.h"

#define CHUNK (64 << 10)

/* ---- start ---- */

struct start {
  struct pg_call call;
  ExecStatusType direction;
};

static bool start_go(struct pg_call *call) {
  struct start *start = (struct start *)call;
  while (!PQisBusy(call->pg->conn)) {
    PGresult *result = PQgetResult(call->pg->conn);
    if (result == NULL) return true;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
      start->direction = status;
      call->pg->streaming = true;
      call->pg->copying_out = status == PGRES_COPY_OUT;
      PQclear(result);
      return true;
    }
    pg_keep(call, result);
  }
  return false;
}

static void start_cancel(struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  call->go = pg_collect;
  call->discard = true;
  pg_start_cancelling(call->pg);
}

static int start_result(lua_State *L, struct op *op) {
  struct start *start = (struct start *)op;
  PGresult *result = start->call.result;
  if (start->direction == PGRES_COPY_IN)
    lua_pushliteral(L, "in");
  else if (start->direction == PGRES_COPY_OUT)
    lua_pushliteral(L, "out");
  else if (result && pg_is_success(result))
    lua_pushliteral(L, "none");
  else
    return pg_push_failure(L, start->call.pg, result);
  return 1;
}

static const struct op_kind start_kind = {.name = "db.copy",
                                          .size = sizeof(struct start),
                                          .result = start_result,
                                          .cancel = start_cancel,
                                          .drop = pg_call_drop};

/* copy_start(connection, sql) -> "in", "out" or "none", when it was no COPY */
int pg_copy_start(lua_State *L) {
  const char *sql = luaL_checkstring(L, 2);
  struct start *start = pg_call_new(L, &start_kind, start_go);
  int sent = PQsendQueryParams(start->call.pg->conn, sql, 0, NULL, NULL, NULL,
                               NULL, 0);
  return pg_call_await(L, &start->call, sent);
}

/* ---- to the server ---- */

struct put {
  struct pg_call call;
  const char *bytes; /* NULL: libpq has them */
  size_t size;
};

/* At most one piece is kept in memory. */
static bool put_go(struct pg_call *call) {
  struct put *put = (struct put *)call;
  PGconn *conn = call->pg->conn;
  if (put->bytes) {
    int taken = PQputCopyData(conn, put->bytes, (int)put->size);
    if (taken == 0) return false;
    put->bytes = NULL;
  }
  return PQflush(conn) != 1; /* what failed shows at the end of the COPY */
}

static void put_cancel(struct op *op) {
  pg_end(((struct pg_call *)op)->pg);
}

static int put_result(lua_State *L, struct op *op) {
  struct pg *pg = ((struct pg_call *)op)->pg;
  lua_pushboolean(L, pg->conn && PQstatus(pg->conn) == CONNECTION_OK);
  return 1;
}

static const struct op_kind put_kind = {.name = "db.copy",
                                        .size = sizeof(struct put),
                                        .result = put_result,
                                        .cancel = put_cancel,
                                        .drop = pg_call_drop};

/* copy_put(connection, bytes) -> false: the connection is lost */
int pg_copy_put(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size < 1 << 30, 2, "a piece of more than 1 GB");
  struct put *put = pg_call_new(L, &put_kind, put_go);
  put->bytes = bytes;
  put->size = size;
  return pg_call_go(L, &put->call);
}

/* ---- its end ---- */

struct end {
  struct pg_call call;
  const char *problem; /* NULL: it was all */
  bool said;
};

static bool end_go(struct pg_call *call) {
  struct end *end = (struct end *)call;
  if (!end->said) {
    if (PQputCopyEnd(call->pg->conn, end->problem) == 0) return false;
    end->said = true;
  }
  return pg_collect(call);
}

static int end_result(lua_State *L, struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  if (call->result == NULL || !pg_is_success(call->result))
    return pg_push_failure(L, call->pg, call->result);
  lua_pushinteger(L, strtoll(PQcmdTuples(call->result), NULL, 10));
  return 1;
}

static const struct op_kind end_kind = {.name = "db.copy",
                                        .size = sizeof(struct end),
                                        .result = end_result,
                                        .cancel = pg_cancel,
                                        .drop = pg_call_drop};

/* copy_end(connection, problem or nil) -> rows; with a problem the server
 * forgets what it got, and says so */
int pg_copy_end(lua_State *L) {
  const char *problem = luaL_optstring(L, 2, NULL);
  struct end *end = pg_call_new(L, &end_kind, end_go);
  end->problem = problem;
  end->call.pg->streaming = false;
  return pg_call_go(L, &end->call);
}

/* ---- from the server ---- */

struct get {
  struct pg_call call;
  char *data;
  size_t size, room;
  bool no_memory;
};

static bool add(struct get *get, const char *bytes, size_t size) {
  if (get->size + size > get->room) {
    size_t room = get->size + size > CHUNK ? get->size + size : CHUNK;
    char *data = realloc(get->data, room);
    if (data == NULL) return false;
    get->data = data;
    get->room = room;
  }
  memcpy(get->data + get->size, bytes, size);
  get->size += size;
  return true;
}

static bool get_go(struct pg_call *call) {
  struct get *get = (struct get *)call;
  struct pg *pg = call->pg;
  while (pg->copying_out && get->size < CHUNK - 4096) {
    char *row;
    int size = PQgetCopyData(pg->conn, &row, 1);
    if (size == 0) return get->size > 0;
    if (size < 0) {
      pg->copying_out = false;
      break;
    }
    get->no_memory = get->no_memory || !add(get, row, (size_t)size);
    PQfreemem(row);
  }
  if (get->size > 0) return true;
  if (!pg_collect(call)) return false;
  pg->streaming = false;
  return true;
}

static void get_drop(struct op *op) {
  struct get *get = (struct get *)op;
  free(get->data);
  get->data = NULL;
  get->size = get->room = 0;
  pg_call_drop(op);
}

static void get_cancel(struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  struct pg *pg = call->pg;
  get_drop(op);
  call->go = pg_collect;
  call->discard = true;
  call->copying_out = pg->copying_out;
  pg->streaming = pg->copying_out = false;
  pg_start_cancelling(pg);
}

static int get_result(lua_State *L, struct op *op) {
  struct get *get = (struct get *)op;
  struct pg_call *call = &get->call;
  bool failed = call->result && !pg_is_success(call->result);
  if (get->no_memory) return luaL_error(L, "not enough memory");
  if (failed || call->pg->conn == NULL)
    return pg_push_failure(L, call->pg, call->result);
  if (get->size > 0)
    lua_pushlstring(L, get->data, get->size);
  else
    lua_pushnil(L);
  get_drop(op);
  return 1;
}

static const struct op_kind get_kind = {.name = "db.copy_out",
                                        .size = sizeof(struct get),
                                        .result = get_result,
                                        .cancel = get_cancel,
                                        .drop = get_drop};

/* copy_get(connection) -> bytes (whole rows), or nil at the end */
int pg_copy_get(lua_State *L) {
  struct get *get = pg_call_new(L, &get_kind, get_go);
  return pg_call_go(L, &get->call);
}
