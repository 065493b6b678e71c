/* Rows as they come: libpq's single-row mode, read only when rows are asked
 * for, so that a server waits for a script that is slow. */
#include <lauxlib.h>
#include <stdlib.h>
#include "error.h"
#include "pg.h"

#define MOST_ROWS 1024

struct fetch {
  struct pg_call call;
  PGresult *rows[MOST_ROWS];
  int count, most;
  bool over;
};

/* stream(connection, sql, name or nil, params, names) -> true: the rows are
 * fetched afterwards */
int pg_stream(lua_State *L) {
  struct pg *pg = luaL_checkudata(L, 1, PG_TYPE);
  const char *sql = luaL_checkstring(L, 2), *name = luaL_optstring(L, 3, NULL);
  lua_settop(L, 5);
  if (pg->conn == NULL) return error_raise(L, "closed", "db: it is closed");
  struct pg_params params;
  pg_read_params(L, &params, 4, 5);
  int sent =
      name ? PQsendQueryPrepared(pg->conn, name, params.count, params.values,
                                 params.lengths, params.formats, 0)
           : PQsendQueryParams(pg->conn, sql, params.count, NULL, params.values,
                               params.lengths, params.formats, 0);
  if (!sent) {
    PGresult *result = PQmakeEmptyPGresult(pg->conn, PGRES_FATAL_ERROR);
    int n = pg_push_failure(L, pg, result);
    PQclear(result);
    return n;
  }
  PQsetSingleRowMode(pg->conn);
  PQflush(pg->conn);
  pg->streaming = true;
  pg_want(pg, 0);
  lua_pushboolean(L, true);
  return 1;
}

static bool fetch_go(struct pg_call *call) {
  struct fetch *fetch = (struct fetch *)call;
  PGconn *conn = call->pg->conn;
  while (fetch->count < fetch->most) {
    if (call->copying_out && !pg_skip_copy(call)) return false;
    if (PQisBusy(conn)) return fetch->count > 0;
    PGresult *result = PQgetResult(conn);
    if (result == NULL) {
      fetch->over = true;
      call->pg->streaming = false;
      return true;
    }
    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
      fetch->rows[fetch->count++] = result;
    else
      pg_keep(call, result);
  }
  return true;
}

static void fetch_drop(struct op *op) {
  struct fetch *fetch = (struct fetch *)op;
  for (int i = 0; i < fetch->count; i++) PQclear(fetch->rows[i]);
  fetch->count = 0;
  pg_call_drop(op);
}

/* The task gets nothing more: what follows is read to be rid of it. */
static void fetch_cancel(struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  fetch_drop(op);
  call->go = pg_collect;
  call->discard = true;
  call->pg->streaming = false;
  pg_start_cancelling(call->pg);
}

static bool is_failure(const struct pg_call *call) {
  return (call->result && !pg_is_success(call->result)) || !call->pg->conn ||
         PQstatus(call->pg->conn) == CONNECTION_BAD;
}

static int fetch_result(lua_State *L, struct op *op) {
  struct fetch *fetch = (struct fetch *)op;
  struct pg_call *call = &fetch->call;
  if (is_failure(call)) return pg_push_failure(L, call->pg, call->result);
  lua_createtable(L, fetch->count, 0);
  int rows = lua_gettop(L);
  if (fetch->count > 0) {
    int names = pg_push_names(L, fetch->rows[0]);
    for (int i = 0; i < fetch->count; i++) {
      pg_push_row(L, fetch->rows[i], 0, names);
      lua_rawseti(L, rows, i + 1);
    }
    pg_push_json_columns(L, fetch->rows[0]);
  } else {
    lua_pushnil(L);
  }
  int columns = lua_gettop(L);
  lua_pushvalue(L, rows);
  lua_pushboolean(L, fetch->over);
  lua_pushvalue(L, columns);
  fetch_drop(op);
  return 3;
}

static const struct op_kind fetch_kind = {.name = "db.rows",
                                          .size = sizeof(struct fetch),
                                          .result = fetch_result,
                                          .cancel = fetch_cancel,
                                          .drop = fetch_drop};

/* fetch(connection, most) -> rows, whether that was all, JSON columns: at least
 * one row unless it is over */
int pg_fetch(lua_State *L) {
  lua_Integer most = luaL_checkinteger(L, 2);
  luaL_argcheck(L, most > 0, 2, "not a number of rows");
  struct fetch *fetch = pg_call_new(L, &fetch_kind, fetch_go);
  fetch->most = most < MOST_ROWS ? (int)most : MOST_ROWS;
  return pg_call_go(L, &fetch->call);
}

/* ---- stop ---- */

static int stop_result(lua_State *L, struct op *op) {
  struct pg *pg = ((struct pg_call *)op)->pg;
  lua_pushboolean(L, pg->conn && PQstatus(pg->conn) == CONNECTION_OK);
  return 1;
}

/* Shielded: it is itself the end of something, and takes bounded time. */
static const struct op_kind stop_kind = {.name = "db.rows: stop",
                                         .size = sizeof(struct pg_call),
                                         .result = stop_result,
                                         .drop = pg_call_drop,
                                         .shielded = true};

/* stop(connection) -> whether it can be used again: ends rows or a COPY that
 * nobody wants any more, on the server as well */
int pg_stop(lua_State *L) {
  struct pg_call *call = pg_call_new(L, &stop_kind, pg_collect);
  struct pg *pg = call->pg;
  call->discard = true;
  call->copying_out = pg->copying_out;
  pg->streaming = pg->copying_out = false;
  if (!pg_read(pg))
    pg_lose(pg);
  else
    pg_turn(pg); /* perhaps the end is there already */
  if (pg->call == call) pg_start_cancelling(pg);
  return op_await(L, &call->op);
}
