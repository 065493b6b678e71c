/* orch.core.http, a plug-in: one request and its answer as a Lua value, for
 * wire.lua. Redirects, retries and everything else that is policy is there. */
#include "http.h"

#include <lauxlib.h>
#include "error.h"
#include "http_failure.h"
#include "http_jar.h"
#include "http_setting.h"
#include "http_url.h"
#include "transfer_line.h"

int luaopen_orch_core_http(lua_State *L);

struct exchange *http_check(lua_State *L) {
  struct exchange **slot = luaL_checkudata(L, 1, EXCHANGE);
  if (*slot == NULL) error_usage(L, "http: this request is closed");
  return *slot;
}

struct exchange *http_check_not_started(lua_State *L) {
  struct exchange *exchange = http_check(L);
  if (exchange->started) error_usage(L, "http: this request has been sent");
  return exchange;
}

/* new(method, url) -> Exchange */
static int new_exchange(lua_State *L) {
  const char *method = luaL_checkstring(L, 1);
  const char *url = luaL_checkstring(L, 2);
  struct exchange **slot = lua_newuserdatauv(L, sizeof *slot, 1);
  *slot = NULL;
  luaL_setmetatable(L, EXCHANGE);
  *slot = exchange_new(method, url);
  if (*slot == NULL) return luaL_error(L, "not enough memory");
  http_set_defaults(*slot);
  return 1;
}

static int close_exchange(lua_State *L) {
  struct exchange **slot = luaL_checkudata(L, 1, EXCHANGE);
  struct exchange *exchange = *slot;
  if (exchange == NULL) return 0;
  if (exchange->waiter || exchange->feeder) {
    exchange->closed = true;
    exchange_abort(exchange); /* others are waiting: they are told */
    return 0;
  }
  *slot = NULL;
  exchange_drop(exchange);
  return 0;
}

static int collect(lua_State *L) {
  struct exchange **slot = lua_touserdata(L, 1);
  if (*slot) exchange_drop(*slot);
  *slot = NULL;
  return 0;
}

/* ---- facts ---- */

static void push_size(lua_State *L, bool known, curl_off_t size) {
  if (known)
    lua_pushinteger(L, size);
  else
    lua_pushnil(L);
}

/* progress() -> received, expected or nil, sent, to send or nil */
static int progress(lua_State *L) {
  struct exchange *exchange = http_check(L);
  exchange_look(exchange);
  const struct exchange_facts *facts = &exchange->facts;
  push_size(L, true, facts->received);
  push_size(L, facts->expected >= 0, facts->expected);
  push_size(L, true, facts->sent);
  push_size(L, !exchange->source.by_chunks, (curl_off_t)exchange->source.total);
  return 4;
}

/* file_time() -> seconds since 1970 or nil: of the remote file, when the option
 * `file_time` asked for it */
static int file_time(lua_State *L) {
  struct exchange *exchange = http_check(L);
  exchange_look(exchange);
  push_size(L, exchange->facts.file_time >= 0, exchange->facts.file_time);
  return 1;
}

static void set_seconds(lua_State *L, const char *name, curl_off_t us) {
  lua_pushnumber(L, (double)us / 1e6);
  lua_setfield(L, -2, name);
}

/* timings() -> {dns, connect, tls, first_byte, total, reused}: seconds since
 * the start */
static int timings(lua_State *L) {
  struct exchange *exchange = http_check(L);
  exchange_look(exchange);
  const struct exchange_facts *facts = &exchange->facts;
  lua_createtable(L, 0, 6);
  set_seconds(L, "dns", facts->resolved);
  set_seconds(L, "connect", facts->connected);
  set_seconds(L, "tls", facts->secured);
  set_seconds(L, "first_byte", facts->first_byte);
  set_seconds(L, "total", facts->total);
  lua_pushboolean(L, facts->connects == 0);
  lua_setfield(L, -2, "reused");
  return 1;
}

/* ---- the module ---- */

/* hang_up(url): closes the idle connections of FTP, SFTP or SMTP to its server
 */
static int hang_up(lua_State *L) {
  lines_hang_up(luaL_checkstring(L, 1));
  return 0;
}

static const luaL_Reg methods[] = {
    {"set", http_set_option},
    {"headers", http_headers},
    {"resolve", http_resolve},
    {"jar", http_jar},
    {"body", http_body},
    {"send", http_send},
    {"open", http_open},
    {"read", http_read},
    {"save", http_save},
    {"feed", http_feed},
    {"progress", progress},
    {"timings", timings},
    {"file_time", file_time},
    {"close", close_exchange},
    {"__close", close_exchange},
    {"__gc", collect},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", new_exchange},
    {"jar", http_jar_new},
    {"parse", http_url_parse},
    {"join", http_url_join},
    {"raise_with", http_raise_with},
    {"hang_up", hang_up},
    {NULL, NULL},
};

static int close_pool(lua_State *L) {
  (void)L;
  transfer_close();
  known_url_forget_all();
  return 0;
}

/* The pool closes with the Lua state, after every exchange: finalizers run in
 * the opposite order of their objects' creation. */
static void open_pool(lua_State *L) {
  lua_newuserdatauv(L, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_pool);
  lua_setfield(L, -2, "__gc");
  int status = transfer_open();
  if (status < 0) error_os(L, "start libcurl", NULL, status);
  lua_setmetatable(L, -2);
  luaL_ref(L, LUA_REGISTRYINDEX);
}

int luaopen_orch_core_http(lua_State *L) {
  open_pool(L);
  luaL_newmetatable(L, EXCHANGE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
