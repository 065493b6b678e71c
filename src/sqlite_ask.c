/* orch.core.sqlite, the part for orch.db: statements with parameters by place
 * or name, many rows of them, cursors, backups. What went wrong comes back as
 * FAILED and a table, for a library that knows the statement. */
#include "sqlite.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"

#define CURSOR "orch.sqlite.cursor"

static const char FAILED = 0; /* its address */

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, lua_Integer number) {
  lua_pushinteger(L, number);
  lua_setfield(L, -2, name);
}

int sqlite_push_failed(lua_State *L, struct query *query) {
  lua_pushlightuserdata(L, (void *)&FAILED);
  lua_createtable(L, 0, 8);
  lua_pushboolean(L, query->needs_writer);
  lua_setfield(L, -2, "needs_writer");
  if (query->needs_writer) return 2;
  lua_pushboolean(L, query->ask_writer);
  lua_setfield(L, -2, "ask_writer");
  set_text(L, "code", sqlite_code_name(query->extended));
  set_text(L, "primary", sqlite_code_name(query->code));
  set_text(L, "words", query->message);
  if (query->offset >= 0) set_number(L, "offset", query->offset);
  if (query->at_row) set_number(L, "row", (lua_Integer)query->at_row);
  lua_pushboolean(L, query->rolled_back);
  lua_setfield(L, -2, "rolled_back");
  if (query->mismatch) {
    pack_push_names(L, query);
    lua_setfield(L, -2, "wanted");
  }
  return 2;
}

static bool has_failed(const struct query *query) {
  return query->code != SQLITE_OK || query->needs_writer;
}

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
  if (has_failed(query)) return sqlite_push_failed(L, query);
  return push_answer(L, query, (enum shape)lua_tointeger(L, 5));
}

static const struct op_kind ask_kind = {.name = "sqlite.ask",
                                        .size = sizeof(struct query),
                                        .result = ask_result,
                                        .cancel = thread_cancel,
                                        .drop = sqlite_query_drop};

static enum footing check_footing(lua_State *L, int index) {
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
  query->footing = check_footing(L, 6);
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
  query->footing = check_footing(L, 7);
  thread_post(query, run_many);
  return op_await(L, &query->op);
}

/* statements(database, sql, inside or nil) -> changes, last id: several,
 * without parameters; nil: also those that begin and end a transaction. */
static int statements_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *sql = luaL_checkstring(L, 2);
  enum footing footing = lua_isnoneornil(L, 3) ? ANYWHERE : check_footing(L, 3);
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

/* ---- cursors ---- */

/* cursor(database, name of the call, sql, params or nil, inside) -> Cursor, not
 * begun */
static int cursor_call(lua_State *L) {
  struct database *database = sqlite_check_open(L);
  const char *what = luaL_checkstring(L, 2);
  luaL_checkstring(L, 3);
  lua_settop(L, 5);
  struct cursor *cursor = lua_newuserdatauv(L, sizeof *cursor, 4);
  *cursor = (struct cursor){.database = database};
  luaL_setmetatable(L, CURSOR);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 6, 1);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 6, 2);
  pack_params(L, buffer_new(L), 4, what);
  lua_setiuservalue(L, 6, 3);
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, 6, 4);
  return 1;
}

/* What a cursor keeps goes to the stack of the task that waits for it. */
static struct query *cursor_query(lua_State *L, const struct op_kind *kind) {
  struct cursor *cursor = luaL_checkudata(L, 1, CURSOR);
  luaL_checkstack(L, 8, NULL);
  for (int i = 1; i <= 4; i++) lua_getiuservalue(L, 1, i);
  if (!cursor->database->handle) return NULL;
  struct buffer *in = lua_touserdata(L, -2);
  enum footing footing = check_footing(L, -1);
  size_t length;
  const char *sql = lua_tolstring(L, -3, &length);
  struct query *query = op_new(L, kind);
  query->cursor = cursor;
  query->database = cursor->database;
  query->sql = sql;
  query->sql_length = length;
  query->in = in->data;
  query->named = true;
  query->footing = footing;
  return query;
}

static int fetch_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  if (has_failed(query)) return sqlite_push_failed(L, query);
  if (query->columns < 0) {
    lua_newtable(L);
  } else {
    pack_push_rows(L, query, 0);
    lua_pop(L, 1);
  }
  sqlite_query_drop(op);
  lua_pushboolean(L, query->cursor->statement == NULL);
  return 2;
}

static const struct op_kind fetch_kind = {.name = "sqlite.fetch",
                                          .size = sizeof(struct query),
                                          .result = fetch_result,
                                          .cancel = thread_cancel,
                                          .drop = sqlite_query_drop};

/* fetch(cursor, rows) -> list of rows, whether these are the last */
static int fetch_call(lua_State *L) {
  lua_Integer rows = luaL_checkinteger(L, 2);
  lua_settop(L, 2);
  struct query *query = cursor_query(L, &fetch_kind);
  if (!query) return error_raise(L, "closed", "rows: the database is closed");
  query->limit = (uint64_t)rows;
  thread_post(query, run_fetch);
  return op_await(L, &query->op);
}

static const struct op_kind end_kind = {
    .name = "sqlite.end", .size = sizeof(struct query), .shielded = true};

/* close(cursor) */
static int end_call(lua_State *L) {
  struct cursor *cursor = luaL_checkudata(L, 1, CURSOR);
  lua_settop(L, 1);
  cursor->begun = true;
  if (!cursor->statement || !cursor->database->handle) return 0;
  struct query *query = &cursor->end;
  op_init(L, &query->op, &end_kind);
  query->database = cursor->database;
  query->cursor = cursor;
  thread_post(query, run_end_cursor);
  return op_await(L, &query->op);
}

/* ---- rolling back ---- */

static int undo_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  free(query->failed_sql);
  query->failed_sql = NULL;
  if (has_failed(query)) return sqlite_push_failed(L, query);
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
  lua_pushlightuserdata(L, (void *)&FAILED);
  return 1;
}

const luaL_Reg sqlite_ask_methods[] = {
    {"ask", ask_call},         {"many", many_call},
    {"cursor", cursor_call},   {"statements", statements_call},
    {"backup", backup_call},   {"undo", undo_call},
    {"prepare", prepare_call}, {NULL, NULL},
};

static const luaL_Reg cursor_methods[] = {
    {"fetch", fetch_call}, {"close", end_call}, {NULL, NULL}};

void sqlite_ask_open(lua_State *L) {
  luaL_newmetatable(L, CURSOR);
  luaL_newlib(L, cursor_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, adopt);
  lua_setfield(L, -2, "adopt");
}
