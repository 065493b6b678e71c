/* orch.core.http, a plug-in: one request and its answer as a Lua value, for
 * wire.lua. Redirects, retries and everything else that is policy is there. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"
#include "http_exchange.h"
#include "http_failure.h"
#include "http_jar.h"
#include "http_setting.h"
#include "http_url.h"

#define EXCHANGE "orch.exchange"

int luaopen_orch_core_http(lua_State *L);

enum { ANCHORS = 1 }; /* user value: what libcurl points into */

static struct exchange *check(lua_State *L) {
  struct exchange **slot = luaL_checkudata(L, 1, EXCHANGE);
  if (*slot == NULL) error_usage(L, "http: this request is closed");
  return *slot;
}

static struct exchange *check_not_started(lua_State *L) {
  struct exchange *exchange = check(L);
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

/* ---- before it is sent ---- */

/* set(name, value) */
static int set(lua_State *L) {
  http_set(L, check_not_started(L));
  return 0;
}

/* headers{"Name: value", ...} */
static int headers(lua_State *L) {
  http_set_headers(L, check_not_started(L));
  return 0;
}

/* resolve{"host:port:address", ...}: instead of asking DNS */
static int resolve(lua_State *L) {
  http_set_resolve(L, check_not_started(L));
  return 0;
}

/* Keeps the value at `index` as long as the exchange. */
static void anchor(lua_State *L, int index) {
  if (lua_getiuservalue(L, 1, ANCHORS) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, ANCHORS);
  }
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

/* jar(Jar): takes cookies from there and puts them there */
static int jar(lua_State *L) {
  struct exchange *exchange = check_not_started(L);
  CURLSH *share = http_jar_check(L, 2);
  anchor(L, 2);
  curl_easy_setopt(exchange->transfer.easy, CURLOPT_SHARE, share);
  return 0;
}

static lua_Integer field(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  lua_Integer value = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return value;
}

/* A string, or {path=, offset=, size=}, on top of the stack. */
static void fill_segment(lua_State *L, struct segment *segment) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t size;
    segment->data = lua_tolstring(L, -1, &size);
    segment->size = size;
    return;
  }
  luaL_checktype(L, -1, LUA_TTABLE);
  segment->offset = (uint64_t)field(L, "offset");
  segment->size = (uint64_t)field(L, "size");
  lua_getfield(L, -1, "path");
  segment->path = strdup(luaL_checkstring(L, -1));
  if (segment->path == NULL) luaL_error(L, "not enough memory");
  lua_pop(L, 1);
}

/* body(string), body{segment, ...} or body(nil): chunks come by `feed` */
static int body(lua_State *L) {
  struct exchange *exchange = check_not_started(L);
  struct source *source = &exchange->source;
  source->by_chunks = lua_isnil(L, 2);
  if (source->by_chunks) return 0;
  bool single = lua_type(L, 2) == LUA_TSTRING;
  if (!single) luaL_checktype(L, 2, LUA_TTABLE);
  size_t count = single ? 1 : lua_rawlen(L, 2);
  anchor(L, 2);
  if (!source_open(source, count)) return luaL_error(L, "not enough memory");
  for (size_t i = 0; i < count; i++) {
    if (single)
      lua_pushvalue(L, 2);
    else
      lua_rawgeti(L, 2, (lua_Integer)i + 1);
    fill_segment(L, &source->segments[i]);
    source->total += source->segments[i].size;
    lua_pop(L, 1);
  }
  return 0;
}

static bool has_body(const struct exchange *exchange) {
  return exchange->source.by_chunks || exchange->source.segments;
}

static void set_method(struct exchange *exchange) {
  CURL *easy = exchange->transfer.easy;
  bool http = strncasecmp(exchange->url, "http", 4) == 0;
  curl_off_t size =
      exchange->source.by_chunks ? -1 : (curl_off_t)exchange->source.total;
  if (!has_body(exchange)) {
    if (strcmp(exchange->method, "HEAD") == 0)
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(exchange->method, "GET") != 0)
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
  } else if (http) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method);
  } else {
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
  }
  if (size > 1 << 20)
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
  /* libcurl repeats a request by itself when a kept-alive connection turns out
   * to be dead, and a body that cannot be rewound is all that keeps it from
   * that. */
  if (!exchange->rewindable && size == 0)
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

/* ---- waiting ---- */

struct wait {
  struct op op;
  struct exchange *exchange;
};

static void cancel_wait(struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  if (exchange->want != WANT_BODY) {
    exchange_abort(exchange); /* ends the wait, now or after a thread */
  } else {
    exchange->waiter = NULL;
    op_done(op);
  }
}

static int wait_for(lua_State *L, struct exchange *exchange,
                    enum exchange_want want, const struct op_kind *kind) {
  if (exchange->waiter)
    return error_usage(L, "%s: another task is already waiting for it",
                       kind->name);
  struct wait *wait = op_new(L, kind);
  wait->exchange = exchange;
  exchange->want = want;
  exchange->waiter = &wait->op;
  if (!exchange->started) {
    set_method(exchange);
    exchange_start(exchange);
  }
  if (exchange->waiter && exchange_has(exchange, want)) {
    exchange->waiter = NULL;
    op_done(&wait->op);
  }
  return op_await(L, &wait->op);
}

static void push_version(lua_State *L, long version) {
  switch (version) {
  case CURL_HTTP_VERSION_1_0:
    lua_pushliteral(L, "1.0");
    return;
  case CURL_HTTP_VERSION_1_1:
    lua_pushliteral(L, "1.1");
    return;
  case CURL_HTTP_VERSION_2_0:
    lua_pushliteral(L, "2");
    return;
  default:
    lua_pushnil(L);
  }
}

static void push_bytes(lua_State *L, const struct bytes *bytes) {
  lua_pushlstring(L, bytes->length ? bytes->data : "", bytes->length);
}

static int result_of_send(lua_State *L, struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  if (exchange->code != CURLE_OK) return http_raise(L, exchange);
  lua_pushinteger(L, exchange->facts.status);
  push_bytes(L, &exchange->head);
  push_bytes(L, &exchange->body);
  bytes_free(&exchange->body);
  push_version(L, exchange->facts.version);
  lua_pushnumber(L, (double)exchange->facts.total / 1e6);
  return 5;
}

static const struct op_kind send_kind = {
    .name = "http.request",
    .size = sizeof(struct wait),
    .result = result_of_send,
    .cancel = cancel_wait,
};

/* send() -> status, head, body, version, seconds */
static int send_exchange(lua_State *L) {
  return wait_for(L, check_not_started(L), WANT_END, &send_kind);
}

static int result_of_open(lua_State *L, struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  if (exchange->ended && exchange->code != CURLE_OK &&
      (!exchange->head_done || exchange->body.length == 0))
    return http_raise(L, exchange);
  exchange_look(exchange);
  lua_pushinteger(L, exchange->facts.status);
  push_bytes(L, &exchange->head);
  push_version(L, exchange->facts.version);
  return 3;
}

static const struct op_kind open_kind = {
    .name = "http.stream",
    .size = sizeof(struct wait),
    .result = result_of_open,
    .cancel = cancel_wait,
};

/* open() -> status, head, version: the body follows */
static int open_exchange(lua_State *L) {
  struct exchange *exchange = check_not_started(L);
  exchange->mode = BODY_STREAM;
  curl_easy_setopt(exchange->transfer.easy, CURLOPT_BUFFERSIZE, 128L << 10);
  return wait_for(L, exchange, WANT_HEAD, &open_kind);
}

static int result_of_read(lua_State *L, struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  if (exchange->body.length > 0) {
    push_bytes(L, &exchange->body);
    exchange->body.length = 0;
    exchange_resume(exchange);
    return 1;
  }
  if (exchange->code != CURLE_OK) return http_raise(L, exchange);
  lua_pushnil(L);
  return 1;
}

static const struct op_kind read_kind = {
    .name = "http.stream: read",
    .size = sizeof(struct wait),
    .result = result_of_read,
    .cancel = cancel_wait,
};

/* read() -> bytes, or nil at the end */
static int read_exchange(lua_State *L) {
  struct exchange *exchange = check(L);
  luaL_argcheck(L, exchange->mode == BODY_STREAM, 1, "not a stream");
  return wait_for(L, exchange, WANT_BODY, &read_kind);
}

static int result_of_save(lua_State *L, struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  if (exchange->code != CURLE_OK || exchange->sink.status < 0)
    return http_raise(L, exchange);
  lua_pushinteger(L, (lua_Integer)exchange->sink.at);
  return 1;
}

static const struct op_kind save_kind = {
    .name = "http.download",
    .size = sizeof(struct wait),
    .result = result_of_save,
    .cancel = cancel_wait,
};

/* save(path, offset, sync) -> size of the file: the rest of the body goes
 * there, on the disk when `sync`; what came before a failure is in the file as
 * well */
static int save_exchange(lua_State *L) {
  struct exchange *exchange = check(L);
  const char *path = luaL_checkstring(L, 2);
  uint64_t offset = (uint64_t)luaL_checkinteger(L, 3);
  luaL_argcheck(L, exchange->mode == BODY_STREAM, 1, "not a stream");
  op_check(L, save_kind.name);
  if (!exchange_save(exchange, path, offset, lua_toboolean(L, 4)))
    return luaL_error(L, "not enough memory");
  return wait_for(L, exchange, WANT_END, &save_kind);
}

/* ---- a body by chunks ---- */

static void cancel_feed(struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  exchange->feeder = NULL;
  exchange->source.chunk = NULL;
  op_done(op);
}

static int result_of_feed(lua_State *L, struct op *op) {
  lua_pushboolean(L, !((struct wait *)op)->exchange->ended);
  return 1;
}

static const struct op_kind feed_kind = {
    .name = "http: body",
    .size = sizeof(struct wait),
    .result = result_of_feed,
    .cancel = cancel_feed,
};

/* feed(chunk) -> whether more is wanted; feed(nil): that was all */
static int feed(lua_State *L) {
  struct exchange *exchange = check(L);
  struct source *source = &exchange->source;
  size_t size = 0;
  const char *chunk = lua_isnil(L, 2) ? NULL : luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, source->by_chunks && !source->complete, 1, "not by chunks");
  if (exchange->feeder)
    return error_usage(L, "http: another task is already sending the body");
  struct wait *wait = op_new(L, &feed_kind);
  wait->exchange = exchange;
  source->complete = chunk == NULL;
  source->chunk = size > 0 && !exchange->ended ? chunk : NULL;
  source->chunk_left = size;
  if (source->chunk)
    exchange->feeder = &wait->op;
  else
    op_done(&wait->op);
  if (source->paused && (source->chunk || source->complete))
    transfer_resume(&exchange->transfer);
  return op_await(L, &wait->op);
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
  struct exchange *exchange = check(L);
  exchange_look(exchange);
  const struct exchange_facts *facts = &exchange->facts;
  push_size(L, true, facts->received);
  push_size(L, facts->expected >= 0, facts->expected);
  push_size(L, true, facts->sent);
  push_size(L, !exchange->source.by_chunks, (curl_off_t)exchange->source.total);
  return 4;
}

static void set_seconds(lua_State *L, const char *name, curl_off_t us) {
  lua_pushnumber(L, (double)us / 1e6);
  lua_setfield(L, -2, name);
}

/* timings() -> {dns, connect, tls, first_byte, total, reused}: seconds since
 * the start */
static int timings(lua_State *L) {
  struct exchange *exchange = check(L);
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

static const luaL_Reg methods[] = {
    {"set", set},
    {"headers", headers},
    {"resolve", resolve},
    {"jar", jar},
    {"body", body},
    {"send", send_exchange},
    {"open", open_exchange},
    {"read", read_exchange},
    {"save", save_exchange},
    {"feed", feed},
    {"progress", progress},
    {"timings", timings},
    {"close", close_exchange},
    {"__close", close_exchange},
    {"__gc", collect},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", new_exchange},           {"jar", http_jar_new},
    {"parse", http_url_parse},       {"join", http_url_join},
    {"raise_with", http_raise_with}, {NULL, NULL},
};

static int close_pool(lua_State *L) {
  (void)L;
  transfer_close();
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
