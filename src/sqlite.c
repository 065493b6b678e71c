/* orch.core.sqlite, a plug-in: a connection as a Lua value. One call is one
 * trip to its thread, however much it does there; what was cancelled is
 * interrupted and over when its task resumes, unless it was done before. */
#include "sqlite.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"

#define DATABASE "orch.sqlite.database"

int luaopen_orch_core_sqlite(lua_State *L);

void sqlite_query_drop(struct op *op) {
  struct query *query = (struct query *)op;
  free(query->out.data);
  free(query->names.data);
  free(query->failed_sql);
  query->out.data = query->names.data = query->failed_sql = NULL;
}

/* ---- calls ---- */

struct database *sqlite_check_open(lua_State *L) {
  struct database *database = luaL_checkudata(L, 1, DATABASE);
  if (database->handle == NULL || database->closing)
    error_raise(L, "closed", "sqlite: '%s' is closed", database->path);
  return database;
}

static int query_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  if (query->code != SQLITE_OK) return sqlite_raise(L, query);
  if (query->columns < 0) {
    lua_pushnil(L);
    lua_pushnil(L);
  } else {
    pack_push_rows(L, query, lua_isnil(L, 5) ? 0 : 5);
    sqlite_query_drop(op); /* not only when the collector comes */
  }
  lua_pushinteger(L, query->changes);
  lua_pushinteger(L, query->last_id);
  return 4;
}

static const struct op_kind query_kind = {.name = "sqlite.query",
                                          .size = sizeof(struct query),
                                          .result = query_result,
                                          .cancel = thread_cancel,
                                          .drop = sqlite_query_drop};

/* query(database, sql, params or nil, named, null) -> rows, names of columns,
 * changes, last id. Rows are nil where the statement gives none. `named`: by
 * the names of their columns, otherwise lists. */
static int query_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  size_t length;
  const char *sql = luaL_checklstring(L, 2, &length);
  if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 5);
  if (lua_isnil(L, 3)) {
    lua_newtable(L);
    lua_replace(L, 3);
  }
  struct buffer *in = buffer_new(L);
  pack_row(L, in, 3, "sqlite.query");
  struct query *query = op_new(L, &query_kind);
  query->database = database;
  query->sql = sql;
  query->sql_length = length;
  query->in = in->data;
  query->named = lua_toboolean(L, 4);
  query->wants_rows = true;
  thread_post(query, run_one);
  return op_await(L, &query->op);
}

/* script(database, sql) -> nil, nil, changes, last id: any number of
 * statements, whose rows nobody gets. */
static int script_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *sql = luaL_checkstring(L, 2);
  lua_settop(L, 5);
  struct query *query = op_new(L, &query_kind);
  query->database = database;
  query->sql = sql;
  thread_post(query, run_script);
  return op_await(L, &query->op);
}

/* batch(database, list of {sql, rows}) -> nil, nil, changes, last id: one
 * transaction, all of it or nothing. */
static int batch_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 5);
  struct buffer *in = buffer_new(L);
  pack_batch(L, in, 2);
  struct query *query = op_new(L, &query_kind);
  query->database = database;
  query->in = in->data;
  thread_post(query, run_batch);
  return op_await(L, &query->op);
}

static int open_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  if (query->code != SQLITE_OK) {
    thread_close(query->database); /* not only when the collector comes */
    if (query->database->strict) return sqlite_push_failed(L, query);
    return sqlite_raise(L, query);
  }
  lua_pushvalue(L, 4);
  return 1;
}

static const struct op_kind open_kind = {.name = "sqlite.open",
                                         .size = sizeof(struct query),
                                         .result = open_result,
                                         .cancel = thread_cancel,
                                         .drop = sqlite_query_drop};

/* open(path, mode, busy seconds, for) -> Database. mode: "r", "rw", or "rwc",
 * which makes the file when there is none. `for`, of orch.db: "reader" refuses
 * what writes, "writer" does not; both take "text" for a name. -> FAILED and a
 * table with it, as `ask`. */
static int open_call(lua_State *L) {
  static const char *const modes[] = {"r", "rw", "rwc", NULL};
  static const int flags[] = {SQLITE_OPEN_READONLY, SQLITE_OPEN_READWRITE,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
  luaL_checkstring(L, 1);
  int mode = luaL_checkoption(L, 2, "rwc", modes);
  lua_Number busy = luaL_optnumber(L, 3, 5);
  const char *use = luaL_optstring(L, 4, NULL);
  lua_settop(L, 3);
  struct database *database = lua_newuserdatauv(L, sizeof *database, 1);
  memset(database, 0, sizeof *database);
  luaL_setmetatable(L, DATABASE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 4, 1);
  database->path = lua_tostring(L, 1);
  database->strict = use != NULL;
  database->reader = use && strcmp(use, "reader") == 0;
  int status = thread_open(database);
  if (status < 0)
    return error_os(L, "start a thread for", database->path, status);
  database->busy_ms = (int)(busy < 0       ? 0
                            : busy > 86400 ? 86400000
                                           : busy * 1e3);
  struct query *query = op_new(L, &open_kind);
  query->database = database;
  query->flags = flags[mode] | SQLITE_OPEN_NOMUTEX;
  thread_post(query, run_open);
  return op_await(L, &query->op);
}

static int close_result(lua_State *L, struct op *op) {
  (void)L;
  thread_close(((struct query *)op)->database);
  return 0;
}

/* Not cancelled: a connection that is to be closed gets closed. */
static const struct op_kind close_kind = {.name = "sqlite.close",
                                          .size = sizeof(struct query),
                                          .result = close_result,
                                          .shielded = true};

/* close(database): after what has been asked for; a second time does nothing.
 */
static int close_call(lua_State *L) {
  struct database *database = luaL_checkudata(L, 1, DATABASE);
  if (database->handle == NULL || database->closing) return 0;
  struct query *query = &database->end;
  memset(query, 0, sizeof *query);
  op_init(L, &query->op, &close_kind);
  query->database = database;
  database->closing = true;
  thread_post(query, run_close);
  return op_await(L, &query->op);
}

/* in_transaction(database): a BEGIN stands open. */
static int in_transaction(lua_State *L) {
  lua_pushboolean(L, !sqlite3_get_autocommit(sqlite_check_open(L)->handle));
  return 1;
}

static int collect(lua_State *L) {
  struct database *database = lua_touserdata(L, 1);
  thread_close(database);
  struct query close = {.database = database};
  if (database->handle) run_close(&close);
  return 0;
}

/* blob(bytes) -> a parameter that is stored as a blob, not as text */
static int blob(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_createtable(L, 1, 0);
  lua_pushvalue(L, 1);
  lua_rawseti(L, -2, 1);
  luaL_setmetatable(L, SQLITE_BLOB_TYPE);
  return 1;
}

/* version() -> SQLite's */
static int version(lua_State *L) {
  lua_pushstring(L, sqlite3_libversion());
  return 1;
}

static const luaL_Reg functions[] = {
    {"open", open_call}, {"blob", blob}, {"version", version}, {NULL, NULL}};

static const luaL_Reg methods[] = {
    {"query", query_call}, {"script", script_call},
    {"batch", batch_call}, {"in_transaction", in_transaction},
    {"close", close_call}, {"__gc", collect},
    {NULL, NULL},
};

int luaopen_orch_core_sqlite(lua_State *L) {
  luaL_newmetatable(L, SQLITE_BLOB_TYPE);
  luaL_newmetatable(L, DATABASE);
  luaL_setfuncs(L, methods, 0);
  luaL_setfuncs(L, sqlite_ask_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  sqlite_reading_open(L);
  sqlite_ask_open(L);
  return 1;
}
