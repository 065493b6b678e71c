/* What waits for an exchange: the whole answer, its head, some of the body, a
 * file of it, or that a chunk of the request has gone. Between the end of a
 * wait and its result another task may have closed the exchange. */
#include "http.h"

#include <lauxlib.h>
#include <string.h>
#include "error.h"
#include "http_failure.h"
#include "http_setting.h"

struct wait {
  struct op op;
  struct exchange *exchange;
};

static void cancel_wait(struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  if (exchange->want != WANT_BODY) {
    exchange_abort(exchange); /* ends the wait, now or after a thread */
  } else {
    exchange_wait(&exchange->waiter, NULL);
    op_done(op);
  }
}

static void check_free(lua_State *L, struct exchange *exchange,
                       const struct op_kind *kind) {
  if (exchange->waiter)
    error_usage(L, "%s: another task is already waiting for it", kind->name);
}

/* What a thread does comes as a whole. */
static void check_line(lua_State *L, const struct exchange *exchange,
                       enum exchange_want want) {
  if (!exchange->transfer.line) return;
  if (want != WANT_END || exchange->source.by_chunks)
    error_usage(L, "http: piece by piece is for http:// and https:// only");
}

static int wait_for(lua_State *L, struct exchange *exchange,
                    enum exchange_want want, const struct op_kind *kind) {
  check_free(L, exchange, kind);
  check_line(L, exchange, want);
  struct wait *wait = op_new(L, kind);
  wait->exchange = exchange;
  exchange->want = want;
  exchange_wait(&exchange->waiter, &wait->op);
  if (!exchange->started) {
    http_set_method(exchange);
    exchange_start(exchange);
  }
  if (exchange->waiter && exchange_has(exchange, want)) {
    exchange_wait(&exchange->waiter, NULL);
    op_done(&wait->op);
  }
  return op_await(L, &wait->op);
}

/* For results. */
static struct exchange *still_there(lua_State *L) {
  struct exchange **slot = lua_touserdata(L, 1);
  if (*slot == NULL)
    error_raise(L, "closed", "http: another task has closed this request");
  return *slot;
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
  struct exchange *exchange = still_there(L);
  (void)op;
  if (exchange->code != CURLE_OK) return http_raise(L, exchange);
  lua_pushinteger(L, exchange->facts.status);
  push_bytes(L, &exchange->head);
  push_bytes(L, &exchange->body);
  bytes_free(&exchange->body);
  push_version(L, exchange->facts.version);
  lua_pushnumber(L, (double)exchange->facts.total / 1e6);
  return 5;
}

#define SEND(function)                                                         \
  {                                                                            \
    .name = "http." function, .size = sizeof(struct wait),                     \
    .result = result_of_send, .cancel = cancel_wait                            \
  }

/* Messages name the function that the script called. */
static const struct {
  const char *method;
  struct op_kind kind;
} sends[] = {
    {"GET", SEND("get")},    {"POST", SEND("post")},
    {"PUT", SEND("put")},    {"PATCH", SEND("patch")},
    {"HEAD", SEND("head")},  {"DELETE", SEND("delete")},
    {NULL, SEND("request")},
};

/* send() -> status, head, body, version, seconds */
int http_send(lua_State *L) {
  struct exchange *exchange = http_check_not_started(L);
  size_t i = 0;
  while (sends[i].method && strcmp(sends[i].method, exchange->method) != 0) i++;
  return wait_for(L, exchange, WANT_END, &sends[i].kind);
}

static int result_of_open(lua_State *L, struct op *op) {
  struct exchange *exchange = still_there(L);
  (void)op;
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
int http_open(lua_State *L) {
  struct exchange *exchange = http_check_not_started(L);
  exchange->mode = BODY_STREAM;
  if (!http_set_apart(exchange))
    return error_usage(L, "http.stream: HTTP/2 without TLS needs libcurl 8.1");
  curl_easy_setopt(exchange->transfer.easy, CURLOPT_BUFFERSIZE, 128L << 10);
  return wait_for(L, exchange, WANT_HEAD, &open_kind);
}

static int result_of_read(lua_State *L, struct op *op) {
  struct exchange *exchange = still_there(L);
  (void)op;
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
int http_read(lua_State *L) {
  struct exchange *exchange = http_check(L);
  luaL_argcheck(L, exchange->mode == BODY_STREAM, 1, "not a stream");
  return wait_for(L, exchange, WANT_BODY, &read_kind);
}

static int result_of_save(lua_State *L, struct op *op) {
  struct exchange *exchange = still_there(L);
  (void)op;
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
int http_save(lua_State *L) {
  struct exchange *exchange = http_check(L);
  const char *path = luaL_checkstring(L, 2);
  uint64_t offset = (uint64_t)luaL_checkinteger(L, 3);
  luaL_argcheck(L, exchange->mode == BODY_STREAM, 1, "not a stream");
  op_check(L, save_kind.name);
  check_free(L, exchange, &save_kind);
  if (!exchange_save(exchange, path, offset, lua_toboolean(L, 4)))
    return luaL_error(L, "not enough memory");
  return wait_for(L, exchange, WANT_END, &save_kind);
}

/* ---- a body by chunks ---- */

static void cancel_feed(struct op *op) {
  struct exchange *exchange = ((struct wait *)op)->exchange;
  exchange_wait(&exchange->feeder, NULL);
  exchange->source.chunk = NULL;
  op_done(op);
}

static int result_of_feed(lua_State *L, struct op *op) {
  struct exchange **slot = lua_touserdata(L, 1);
  (void)op;
  lua_pushboolean(L, *slot && !(*slot)->ended);
  return 1;
}

static const struct op_kind feed_kind = {
    .name = "http: body",
    .size = sizeof(struct wait),
    .result = result_of_feed,
    .cancel = cancel_feed,
};

/* feed(chunk) -> whether more is wanted; feed(nil): that was all */
int http_feed(lua_State *L) {
  struct exchange *exchange = http_check(L);
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
    exchange_wait(&exchange->feeder, &wait->op);
  else
    op_done(&wait->op);
  if (source->paused && (source->chunk || source->complete))
    transfer_resume(&exchange->transfer);
  return op_await(L, &wait->op);
}
