/* Statements with all of their rows at once. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "pg.h"

/* ---- one statement ---- */

enum want { ALL_ROWS, FIRST_ROW, FIRST_VALUE, CHANGED };

struct query {
  struct pg_call call;
  enum want want;
};

static void push_rows(lua_State *L, const PGresult *result) {
  int rows = PQntuples(result), names = pg_push_names(L, result);
  lua_createtable(L, rows, 0);
  for (int i = 0; i < rows; i++) {
    pg_push_row(L, result, i, names);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_wanted(lua_State *L, const PGresult *result, enum want want) {
  if (want == ALL_ROWS) {
    push_rows(L, result);
  } else if (want == CHANGED || PQntuples(result) == 0) {
    lua_pushnil(L);
  } else if (want == FIRST_ROW) {
    pg_push_row(L, result, 0, pg_push_names(L, result));
  } else if (PQnfields(result) == 0) {
    lua_pushnil(L);
  } else {
    pg_push_value(L, result, 0, 0);
  }
}

static lua_Integer changed_rows(PGresult *result) {
  return strncmp(PQcmdStatus(result), "SELECT", 6) == 0
             ? 0
             : strtoll(PQcmdTuples(result), NULL, 10);
}

static int refuse_copy(lua_State *L) {
  return error_usage(L, "db: COPY TO STDOUT needs db:copy_out");
}

static int query_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  PGresult *result = query->call.result;
  if (result == NULL || !pg_is_success(result))
    return pg_push_failure(L, query->call.pg, result);
  if (query->call.copied) return refuse_copy(L);
  push_wanted(L, result, query->want);
  int wanted = lua_gettop(L);
  lua_pushboolean(L, true);
  lua_pushvalue(L, wanted);
  lua_pushinteger(L, changed_rows(result));
  lua_pushstring(L, PQcmdStatus(result));
  pg_push_json_columns(L, result);
  pg_call_drop(op); /* not only when the collector comes */
  return 5;
}

static const struct op_kind query_kind = {.name = "db.query",
                                          .size = sizeof(struct query),
                                          .result = query_result,
                                          .cancel = pg_cancel,
                                          .drop = pg_call_drop};

static const char *check_sql(lua_State *L, int index) {
  size_t length;
  const char *sql = luaL_checklstring(L, index, &length);
  if (strlen(sql) != length) error_usage(L, "db: the statement has a NUL byte");
  return sql;
}

/* query(connection, sql, name of a prepared statement or nil, params, want,
 * names) -> true, rows or what is wanted, changed, tag, JSON columns */
int pg_query(lua_State *L) {
  static const char *const wants[] = {"rows", "row", "value", "changed", NULL};
  const char *sql = check_sql(L, 2), *name = luaL_optstring(L, 3, NULL);
  enum want want = (enum want)luaL_checkoption(L, 5, "rows", wants);
  lua_settop(L, 6);
  struct pg_params params;
  pg_read_params(L, &params, 4, 6);
  struct query *query = pg_call_new(L, &query_kind, pg_collect);
  PGconn *conn = query->call.pg->conn;
  query->want = want;
  int sent =
      name ? PQsendQueryPrepared(conn, name, params.count, params.values,
                                 params.lengths, params.formats, 0)
           : PQsendQueryParams(conn, sql, params.count, NULL, params.values,
                               params.lengths, params.formats, 0);
  return pg_call_await(L, &query->call, sent);
}

/* ---- several statements; preparing one ---- */

static int done_result(lua_State *L, struct op *op) {
  struct pg_call *call = (struct pg_call *)op;
  if (call->result == NULL || !pg_is_success(call->result))
    return pg_push_failure(L, call->pg, call->result);
  if (call->copied) return refuse_copy(L);
  lua_pushboolean(L, true);
  lua_pushstring(L, PQcmdStatus(call->result));
  return 2;
}

static const struct op_kind script_kind = {.name = "db.script",
                                           .size = sizeof(struct pg_call),
                                           .result = done_result,
                                           .cancel = pg_cancel,
                                           .drop = pg_call_drop};

/* script(connection, sql) -> true, tag of the last: without parameters, whose
 * rows nobody gets */
int pg_script(lua_State *L) {
  const char *sql = check_sql(L, 2);
  struct pg_call *call = pg_call_new(L, &script_kind, pg_collect);
  return pg_call_await(L, call, PQsendQuery(call->pg->conn, sql));
}

static const struct op_kind prepare_kind = {.name = "db.prepare",
                                            .size = sizeof(struct pg_call),
                                            .result = done_result,
                                            .cancel = pg_cancel,
                                            .drop = pg_call_drop};

/* prepare(connection, name, sql) -> true */
int pg_prepare(lua_State *L) {
  const char *name = luaL_checkstring(L, 2), *sql = check_sql(L, 3);
  struct pg_call *call = pg_call_new(L, &prepare_kind, pg_collect);
  return pg_call_await(L, call,
                       PQsendPrepare(call->pg->conn, name, sql, 0, NULL));
}
