/* orch.core.postgres, a plug-in: a connection to PostgreSQL as a Lua value. */
#include "pg.h"

#include <lauxlib.h>
#include "error.h"

int luaopen_orch_core_postgres(lua_State *L);

static struct pg *check(lua_State *L) {
  return luaL_checkudata(L, 1, PG_TYPE);
}

/* alive(connection): reads what has arrived meanwhile; false when the server
 * has gone, or something is under way */
static int alive(lua_State *L) {
  struct pg *pg = check(L);
  if (pg->conn && pg->call == NULL && !pg->streaming) pg_ready(pg);
  lua_pushboolean(L, pg->conn && pg->call == NULL && !pg->streaming &&
                         PQstatus(pg->conn) == CONNECTION_OK);
  return 1;
}

/* transaction(connection) -> "idle", "active", "open", "failed" or "lost" */
static int transaction(lua_State *L) {
  static const char *const names[] = {"idle", "active", "open", "failed",
                                      "lost"};
  struct pg *pg = check(L);
  PGTransactionStatusType at =
      pg->conn ? PQtransactionStatus(pg->conn) : PQTRANS_UNKNOWN;
  lua_pushstring(L, names[at]);
  return 1;
}

/* parameter(connection, name) -> what the server has said of itself, or nil */
static int parameter(lua_State *L) {
  struct pg *pg = check(L);
  const char *name = luaL_checkstring(L, 2);
  lua_pushstring(L, pg->conn ? PQparameterStatus(pg->conn, name) : NULL);
  return 1;
}

/* facts(connection) -> process of the server, its version, whether with TLS */
static int facts(lua_State *L) {
  struct pg *pg = check(L);
  if (pg->conn == NULL) return 0;
  lua_pushinteger(L, PQbackendPID(pg->conn));
  lua_pushinteger(L, PQserverVersion(pg->conn));
  lua_pushboolean(L, PQsslInUse(pg->conn));
  return 3;
}

/* close(connection): at once; a second time does nothing */
static int close_call(lua_State *L) {
  struct pg *pg = check(L);
  pg_lose(pg);
  pg_drop_notices(pg);
  return 0;
}

/* At the end of the state a task that waits is never resumed. */
static int collect(lua_State *L) {
  check(L)->call = NULL;
  return close_call(L);
}

/* options() -> {keyword, environment variable or false, ...} */
static int options(lua_State *L) {
  PQconninfoOption *list = PQconndefaults();
  if (list == NULL) return luaL_error(L, "not enough memory");
  luaL_checkstack(L, 4, NULL);
  lua_newtable(L);
  lua_Integer n = 0;
  for (PQconninfoOption *at = list; at->keyword; at++) {
    lua_pushstring(L, at->keyword);
    lua_rawseti(L, -2, ++n);
    if (at->envvar)
      lua_pushstring(L, at->envvar);
    else
      lua_pushboolean(L, false);
    lua_rawseti(L, -2, ++n);
  }
  PQconninfoFree(list);
  return 1;
}

/* setup(null, metatable of blobs): what stands for them in parameters */
static int setup(lua_State *L) {
  lua_settop(L, 2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pg_blob_key);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &pg_null_key);
  return 0;
}

static const luaL_Reg functions[] = {{"connect", pg_connect},
                                     {"resolve", pg_resolve},
                                     {"options", options},
                                     {"setup", setup},
                                     {NULL, NULL}};

static const luaL_Reg methods[] = {
    {"query", pg_query},
    {"script", pg_script},
    {"prepare", pg_prepare},
    {"many", pg_many},
    {"stream", pg_stream},
    {"fetch", pg_fetch},
    {"stop", pg_stop},
    {"copy_start", pg_copy_start},
    {"copy_put", pg_copy_put},
    {"copy_end", pg_copy_end},
    {"copy_get", pg_copy_get},
    {"notices", pg_notices},
    {"alive", alive},
    {"transaction", transaction},
    {"parameter", parameter},
    {"facts", facts},
    {"close", close_call},
    {"__gc", collect},
    {NULL, NULL},
};

int luaopen_orch_core_postgres(lua_State *L) {
  luaL_newmetatable(L, PG_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
