/* orch.core.sqlite, the part for orch.db: statements with parameters by place
 * or name, many rows of them, cursors, backups. What went wrong comes back as
 * FAILED and a table, for a library that knows the statement. */
#include "sqlite.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"

/* ---- one statement ---- */

enum shape { ROWS, ROW, VALUE, CHANGES };

static int push_answer(lua_State *L, struct query *query, enum shape shape) {
  if (shape == CHANGES) {
    lua_pushinteger(L, query->changes);
    lua_pushinteger(L, query->last_id);
    return 2;
  }
  if (shape == ROWS && query->columns >= 0) {
    pack_push_rows(L, query, 0);
    lua_pop(L, 1);
  } else if (shape == ROWS) {
    lua_newtable(L);
  } else if (query->rows == 0) {
    lua_pushnil(L);
  } else if (shape == ROW) {
    pack_push_first(L, query);
    lua_replace(L, 1);
    lua_settop(L, 1);
  } else {
    pack_push_value(L, query);
  }
  sqlite_query_drop(&query->op); /* not only when the collector comes */
  return 1;
}

static int ask_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  if (sqlite_has_failed(query)) return sqlite_push_failed(L, query);
  return push_answer(L, query, (enum shape)lua_tointeger(L, 5));
}

static const struct op_kind ask_kind = {.name = "sqlite.ask",
                                        .size = sizeof(struct query),
                                        .result = ask_result,
                                        .cancel = thread_cancel,
                                        .drop = sqlite_query_drop};

enum footing sqlite_check_footing(lua_State *L, int index) {
  return lua_toboolean(L, index) ? INSIDE : OUTSIDE;
}

/* ask(database, name of the call, sql, params or nil, shape, inside) -> rows,
 * a row, a value, or changes and last id. Shapes: 0 rows, 1 row, 2 value, 3
 * changes. `inside`: in a transaction. */
static int ask_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *what = luaL_checkstring(L, 2);
  size_t length;
  const char *sql = luaL_checklstring(L, 3, &length);
  enum shape shape = (enum shape)luaL_checkinteger(L, 5);
  lua_settop(L, 6);
  struct buffer *in = buffer_new(L);
  pack_params(L, in, 4, what);
  struct query *query = op_new(L, &ask_kind);
  query->database = database;
  query->sql = sql;
  query->sql_length = length;
  query->in = in->data;
  query->named = true;
  query->wants_rows = shape != CHANGES;
  query->limit = shape == ROW || shape == VALUE;
  query->footing = sqlite_check_footing(L, 6);
  thread_post(query, run_one);
  return op_await(L, &query->op);
}

/* many(database, name of the call, sql, list of params, first, inside, last) ->
 * changes */
static int many_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *what = luaL_checkstring(L, 2);
  size_t length;
  const char *sql = luaL_checklstring(L, 3, &length);
  luaL_checktype(L, 4, LUA_TTABLE);
  lua_settop(L, 7);
  lua_pushinteger(L, CHANGES);
  lua_insert(L, 5); /* where ask_result looks for the shape */
  size_t first = (size_t)luaL_checkinteger(L, 6);
  size_t last = (size_t)luaL_checkinteger(L, 8);
  struct buffer *in = buffer_new(L);
  pack_many(L, in, 4, first, last, what);
  struct query *query = op_new(L, &ask_kind);
  query->database = database;
  query->sql = sql;
  query->sql_length = length;
  query->in = in->data;
  query->footing = sqlite_check_footing(L, 7);
  thread_post(query, run_many);
  return op_await(L, &query->op);
}

/* statements(database, sql, inside or nil) -> changes, last id: several,
 * without parameters; nil: also those that begin and end a transaction. */
static int statements_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *sql = luaL_checkstring(L, 2);
  enum footing footing =
      lua_isnoneornil(L, 3) ? ANYWHERE : sqlite_check_footing(L, 3);
  lua_settop(L, 4);
  lua_pushinteger(L, CHANGES);
  struct query *query = op_new(L, &ask_kind);
  query->database = database;
  query->sql = sql;
  query->footing = footing;
  thread_post(query, run_script);
  return op_await(L, &query->op);
}

/* prepare(database, name of the call, sql) -> 0: it is compiled, and not run */
static int prepare_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  size_t length;
  const char *sql = luaL_checklstring(L, 3, &length);
  lua_settop(L, 4);
  lua_pushinteger(L, CHANGES);
  struct query *query = op_new(L, &ask_kind);
  query->database = database;
  query->sql = sql;
  query->sql_length = length;
  thread_post(query, run_prepare);
  return op_await(L, &query->op);
}

/* ---- rolling back ---- */

static int undo_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  free(query->failed_sql);
  query->failed_sql = NULL;
  if (sqlite_has_failed(query)) return sqlite_push_failed(L, query);
  lua_pushboolean(L, true);
  return 1;
}

/* Not cancelled: it is what a cancellation asks for. */
static const struct op_kind undo_kind = {.name = "sqlite.undo",
                                         .size = sizeof(struct query),
                                         .result = undo_result,
                                         .shielded = true};

/* undo(database, sql) -> true; nobody else uses the database meanwhile */
static int undo_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *sql = luaL_checkstring(L, 2);
  struct query *query = &database->end;
  memset(query, 0, sizeof *query);
  op_init(L, &query->op, &undo_kind);
  query->database = database;
  query->sql = sql;
  thread_post(query, run_script);
  return op_await(L, &query->op);
}

/* ---- backups ---- */

/* backup(database, path) -> nothing */
static int backup_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *path = luaL_checkstring(L, 2);
  lua_settop(L, 4);
  lua_pushinteger(L, CHANGES);
  struct query *query = op_new(L, &ask_kind);
  query->database = database;
  query->sql = path;
  thread_post(query, run_backup);
  return op_await(L, &query->op);
}

/* adopt(blob metatable, null, check): see SQLITE_DB_BLOB. -> FAILED */
static int adopt(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 3);
  lua_setfield(L, LUA_REGISTRYINDEX, SQLITE_DB_CHECK);
  lua_setfield(L, LUA_REGISTRYINDEX, SQLITE_DB_NULL);
  lua_setfield(L, LUA_REGISTRYINDEX, SQLITE_DB_BLOB);
  lua_pushlightuserdata(L, (void *)&sqlite_failed);
  return 1;
}

const luaL_Reg sqlite_ask_methods[] = {
    {"ask", ask_call},
    {"many", many_call},
    {"cursor", sqlite_cursor_call},
    {"statements", statements_call},
    {"backup", backup_call},
    {"undo", undo_call},
    {"prepare", prepare_call},
    {NULL, NULL},
};

void sqlite_ask_open(lua_State *L) {
  lua_pushcfunction(L, adopt);
  lua_setfield(L, -2, "adopt");
}
