/* Cursors as Lua values: a statement that is read piece by piece. */
#include <lauxlib.h>
#include "error.h"
#include "sqlite.h"

#define CURSOR "orch.sqlite.cursor"

/* cursor(database, name of the call, sql, params or nil, inside) -> Cursor, not
 * begun */
int sqlite_cursor_call(lua_State *L) {
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
  enum footing footing = sqlite_check_footing(L, -1);
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
  if (sqlite_has_failed(query)) return sqlite_push_failed(L, query);
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

static const luaL_Reg cursor_methods[] = {
    {"fetch", fetch_call}, {"close", end_call}, {NULL, NULL}};

void sqlite_reading_open(lua_State *L) {
  luaL_newmetatable(L, CURSOR);
  luaL_newlib(L, cursor_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
