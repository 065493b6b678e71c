/* orch.core.sqlite, a plug-in: a connection as a Lua value, with its queue. One
 * call is one trip to the pool, however much it does there; what was cancelled
 * is interrupted and over when its task resumes, unless it was done before. */
#include "sqlite.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"

#define DATABASE "orch.sqlite.database"
#define SQL_SHOWN 160 /* bytes of a statement in a message */

int luaopen_orch_core_sqlite(lua_State *L);

/* ---- the queue of a connection ---- */

static void on_work(uv_work_t *req) {
  struct query *query = req->data;
  query->run(query);
}

static void on_after_work(uv_work_t *req, int status);

/* Starts the first that can be started; the others of the queue wait. */
static void start_next(struct database *database) {
  while (database->running == NULL && database->first != NULL) {
    struct query *query = database->first;
    database->first = query->next;
    if (database->first == NULL) database->last = NULL;
    database->running = query;
    query->req.data = query;
    int status = op_queue_work(&query->req, on_work, on_after_work);
    if (status == 0) return;
    database->running = NULL;
    query->op.status = status;
    op_done(&query->op);
  }
}

static void on_after_work(uv_work_t *req, int status) {
  struct query *query = req->data;
  struct database *database = query->database;
  if (status < 0)
    query->op.status = status;
  else if (query->code == SQLITE_OK)
    query->op.cancelled = false; /* too late: nobody does it a second time */
  database->running = NULL;
  start_next(database);
  op_done(&query->op);
}

static void start(struct query *query, void (*run)(struct query *query)) {
  struct database *database = query->database;
  query->run = run;
  query->columns = -1;
  if (database->last)
    database->last->next = query;
  else
    database->first = query;
  database->last = query;
  start_next(database);
}

/* Takes a query that has not started out of the queue. */
static bool leave_queue(struct query *query) {
  struct database *database = query->database;
  struct query *before = NULL, *at = database->first;
  while (at != NULL && at != query) before = at, at = at->next;
  if (at == NULL) return false;
  if (before)
    before->next = query->next;
  else
    database->first = query->next;
  if (database->last == query) database->last = before;
  return true;
}

static void query_cancel(struct op *op) {
  struct query *query = (struct query *)op;
  if (leave_queue(query)) {
    op_done(op);
    return;
  }
  __atomic_store_n(&query->stop, 1, __ATOMIC_RELAXED);
  /* No handle while it is opened; refused by libuv once it runs. */
  if (query->run != run_open) sqlite3_interrupt(query->database->handle);
  uv_cancel((uv_req_t *)&query->req);
}

static void query_drop(struct op *op) {
  struct query *query = (struct query *)op;
  free(query->out.data);
  free(query->names.data);
  free(query->failed_sql);
  query->out.data = query->names.data = query->failed_sql = NULL;
}

/* ---- failures ---- */

static const struct {
  int code;
  const char *name;
} code_names[] = {
#define NAME(code)                                                             \
  { code, #code }
    NAME(SQLITE_ERROR),      NAME(SQLITE_PERM),      NAME(SQLITE_ABORT),
    NAME(SQLITE_BUSY),       NAME(SQLITE_LOCKED),    NAME(SQLITE_NOMEM),
    NAME(SQLITE_READONLY),   NAME(SQLITE_INTERRUPT), NAME(SQLITE_IOERR),
    NAME(SQLITE_CORRUPT),    NAME(SQLITE_FULL),      NAME(SQLITE_CANTOPEN),
    NAME(SQLITE_PROTOCOL),   NAME(SQLITE_SCHEMA),    NAME(SQLITE_TOOBIG),
    NAME(SQLITE_CONSTRAINT), NAME(SQLITE_MISMATCH),  NAME(SQLITE_MISUSE),
    NAME(SQLITE_AUTH),       NAME(SQLITE_RANGE),     NAME(SQLITE_NOTADB),
#undef NAME
};

static const char *code_name(int code) {
  for (size_t i = 0; i < sizeof code_names / sizeof *code_names; i++)
    if (code_names[i].code == code) return code_names[i].name;
  return "SQLITE_ERROR";
}

/* Pushes the beginning of a statement, cut between two characters. */
static const char *push_shown(lua_State *L, const char *sql) {
  size_t most = SQL_SHOWN;
  if (sql == NULL) return lua_pushliteral(L, "");
  if (strlen(sql) <= most) return lua_pushfstring(L, " in: %s", sql);
  while (most > 0 && ((unsigned char)sql[most] & 0xc0) == 0x80) most--;
  lua_pushlstring(L, sql, most);
  return lua_pushfstring(L, " in: %s...", lua_tostring(L, -1));
}

static int raise_failure(lua_State *L, struct query *query) {
  const char *shown = push_shown(L, query->failed_sql);
  error_push(L, "db", "'%s': %s (%s)%s", query->database->path, query->message,
             code_name(query->code), shown);
  lua_pushstring(L, code_name(query->code));
  lua_setfield(L, -2, "code");
  lua_pushinteger(L, query->extended);
  lua_setfield(L, -2, "extended_code");
  lua_pushstring(L, query->database->path);
  lua_setfield(L, -2, "path");
  lua_pushstring(L, query->failed_sql);
  lua_setfield(L, -2, "sql");
  return error_throw(L);
}

/* ---- calls ---- */

static struct database *check_open(lua_State *L) {
  struct database *database = luaL_checkudata(L, 1, DATABASE);
  if (database->handle == NULL || database->closing)
    error_raise(L, "closed", "sqlite: '%s' is closed", database->path);
  return database;
}

static int query_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  if (query->code != SQLITE_OK) return raise_failure(L, query);
  if (query->columns < 0) {
    lua_pushnil(L);
    lua_pushnil(L);
  } else {
    pack_push_rows(L, query, lua_isnil(L, 5) ? 0 : 5);
    query_drop(op); /* not only when the collector comes */
  }
  lua_pushinteger(L, query->changes);
  lua_pushinteger(L, query->last_id);
  return 4;
}

static const struct op_kind query_kind = {.name = "sqlite.query",
                                          .size = sizeof(struct query),
                                          .result = query_result,
                                          .cancel = query_cancel,
                                          .drop = query_drop};

/* query(database, sql, params or nil, named, null) -> rows, names of columns,
 * changes, last id. Rows are nil where the statement gives none. `named`: by
 * the names of their columns, otherwise lists. */
static int query_call(lua_State *L) {
  struct database *database = check_open(L);
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
  start(query, run_one);
  return op_await(L, &query->op);
}

/* script(database, sql) -> nil, nil, changes, last id: any number of
 * statements, whose rows nobody gets. */
static int script_call(lua_State *L) {
  struct database *database = check_open(L);
  const char *sql = luaL_checkstring(L, 2);
  lua_settop(L, 5);
  struct query *query = op_new(L, &query_kind);
  query->database = database;
  query->sql = sql;
  start(query, run_script);
  return op_await(L, &query->op);
}

/* batch(database, list of {sql, rows}) -> nil, nil, changes, last id: one
 * transaction, all of it or nothing. */
static int batch_call(lua_State *L) {
  struct database *database = check_open(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 5);
  struct buffer *in = buffer_new(L);
  pack_batch(L, in, 2);
  struct query *query = op_new(L, &query_kind);
  query->database = database;
  query->in = in->data;
  start(query, run_batch);
  return op_await(L, &query->op);
}

static int open_result(lua_State *L, struct op *op) {
  struct query *query = (struct query *)op;
  if (query->code != SQLITE_OK) return raise_failure(L, query);
  lua_pushvalue(L, 4);
  return 1;
}

static const struct op_kind open_kind = {.name = "sqlite.open",
                                         .size = sizeof(struct query),
                                         .result = open_result,
                                         .cancel = query_cancel,
                                         .drop = query_drop};

/* open(path, mode, busy seconds) -> Database. mode: "r", "rw", or "rwc", which
 * makes the file when there is none. */
static int open_call(lua_State *L) {
  static const char *const modes[] = {"r", "rw", "rwc", NULL};
  static const int flags[] = {SQLITE_OPEN_READONLY, SQLITE_OPEN_READWRITE,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
  luaL_checkstring(L, 1);
  int mode = luaL_checkoption(L, 2, "rwc", modes);
  lua_Number busy = luaL_optnumber(L, 3, 5);
  lua_settop(L, 3);
  struct database *database = lua_newuserdatauv(L, sizeof *database, 1);
  memset(database, 0, sizeof *database);
  luaL_setmetatable(L, DATABASE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 4, 1);
  database->path = lua_tostring(L, 1);
  database->busy_ms = (int)(busy < 0       ? 0
                            : busy > 86400 ? 86400000
                                           : busy * 1e3);
  struct query *query = op_new(L, &open_kind);
  query->database = database;
  query->flags = flags[mode] | SQLITE_OPEN_NOMUTEX;
  start(query, run_open);
  return op_await(L, &query->op);
}

/* Not cancelled: a connection that is to be closed gets closed. */
static const struct op_kind close_kind = {
    .name = "sqlite.close", .size = sizeof(struct query), .shielded = true};

/* close(database): after what has been asked for; a second time does nothing.
 */
static int close_call(lua_State *L) {
  struct database *database = luaL_checkudata(L, 1, DATABASE);
  if (database->handle == NULL || database->closing) return 0;
  struct query *query = op_new(L, &close_kind);
  query->database = database;
  database->closing = true;
  start(query, run_close);
  return op_await(L, &query->op);
}

/* in_transaction(database): a BEGIN stands open. */
static int in_transaction(lua_State *L) {
  lua_pushboolean(L, !sqlite3_get_autocommit(check_open(L)->handle));
  return 1;
}

static int collect(lua_State *L) {
  struct database *database = lua_touserdata(L, 1);
  if (database->handle == NULL) return 0;
  cache_clear(database);
  sqlite3_close_v2(database->handle);
  database->handle = NULL;
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
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
