/* orch.core.serve: servers as Lua values, for http/serve.lua, where one task
 * takes the requests of a server and gives each a task of its own. */
#include "serve.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"

#define SERVER "orch.serve"

static struct server *check(lua_State *L) {
  struct server *server = *(struct server **)luaL_checkudata(L, 1, SERVER);
  if (!server || !server->daemon)
    error_raise(L, "closed", "http.serve: the server is closed");
  return server;
}

static int raise_open(lua_State *L, const struct serve_options *options,
                      int status, const char *why) {
  bool v6 = strchr(options->host, ':') != NULL;
  const char *at = lua_pushfstring(L, v6 ? "[%s]:%d" : "%s:%d", options->host,
                                   options->port);
  const char *hint = "";
  if (status == UV_EADDRINUSE)
    hint = "; another program, or another run, listens there (port=0 takes a "
           "free one)";
  if (status == UV_EACCES && options->port < 1024)
    hint = "; ports below 1024 are for root";
  error_push(L, "os", "cannot listen on %s: %s%s", at,
             why ? why : uv_strerror(status), hint);
  lua_pushstring(L, uv_err_name(status));
  lua_setfield(L, -2, "code");
  lua_pushstring(L, options->host);
  lua_setfield(L, -2, "host");
  lua_pushinteger(L, options->port);
  lua_setfield(L, -2, "port");
  return error_throw(L);
}

/* open(host, port, limit, idle seconds, cert or nil, key or nil) -> server, the
 * real port */
static int open_server(lua_State *L) {
  const char *why;
  struct serve_options options = {
      .host = luaL_checkstring(L, 1),
      .port = (int)luaL_checkinteger(L, 2),
      .limit = (size_t)luaL_checkinteger(L, 3),
      .idle_seconds = (unsigned)luaL_checkinteger(L, 4),
      .cert = luaL_optstring(L, 5, NULL),
      .key = luaL_optstring(L, 6, NULL),
  };
  struct server **handle = lua_newuserdatauv(L, sizeof *handle, 0);
  *handle = NULL;
  luaL_setmetatable(L, SERVER);
  int status = server_open(handle, &options, &why);
  if (status < 0) return raise_open(L, &options, status, why);
  lua_pushinteger(L, (*handle)->port);
  return 2;
}

/* is_address(text) -> whether it is an IP address */
static int is_address(lua_State *L) {
  struct sockaddr_in6 address;
  const char *text = luaL_checkstring(L, 1);
  lua_pushboolean(L,
                  uv_ip4_addr(text, 0, (struct sockaddr_in *)&address) == 0 ||
                      uv_ip6_addr(text, 0, &address) == 0);
  return 1;
}

/* ---- taking requests ---- */

struct wait_op {
  struct op op;
  struct server *server;
  bool finishing;
};

static void wait_cancel(struct op *op) {
  ((struct wait_op *)op)->server->waiter = NULL;
  op_done(op);
}

static bool has_news(const struct server *server) {
  return server->ready.first || server->gone.first;
}

static bool is_over(const struct server *server, bool finishing) {
  return server->closing && (!finishing || server->busy == 0);
}

static int wait_result(lua_State *L, struct op *op) {
  struct wait_op *wait = (struct wait_op *)op;
  lua_pushboolean(L, has_news(wait->server) ||
                         !is_over(wait->server, wait->finishing));
  return 1;
}

/* The server itself is no work: time may pass for those who wait for more. */
static const struct op_kind wait_kind = {
    .name = "http.serve: requests",
    .size = sizeof(struct wait_op),
    .result = wait_result,
    .cancel = wait_cancel,
    .internal = true,
};

/* wait(server, finishing) -> true when there may be something for take or gone;
 * false once it listens no more and, `finishing`, has answered all requests */
static int wait(lua_State *L) {
  struct server *server = check(L);
  bool finishing = lua_toboolean(L, 2);
  struct wait_op *op = op_new(L, &wait_kind);
  op->server = server;
  op->finishing = finishing;
  if (has_news(server) || is_over(server, finishing))
    op_done(&op->op);
  else
    server->waiter = &op->op;
  return op_await(L, &op->op);
}

/* take(server) -> the next request, or nil */
static int take(lua_State *L) {
  return serve_push_request(L, check(L));
}

/* gone(server) -> the id of a request whose client has hung up, or nil. One
 * that was answered meanwhile is left to the daemon: perhaps the client has
 * only said all that it had to say. */
static int gone(lua_State *L) {
  struct server *server = check(L);
  struct request *request;
  while ((request = request_shift(&server->gone))) {
    bool matters = request->stream.on || !request->answered;
    lua_pushinteger(L, request->id);
    request_unref(request);
    if (matters) return 1;
    lua_pop(L, 1);
  }
  return 0;
}

/* ---- the end ---- */

/* quiesce(server): listens no more */
static int quiesce(lua_State *L) {
  struct server *server = *(struct server **)luaL_checkudata(L, 1, SERVER);
  if (server) server_quiesce(server);
  return 0;
}

static const struct op_kind close_kind = {
    .name = "http.serve: close",
    .size = sizeof(struct op),
    .shielded = true,
};

/* close(server): closes all connections; nothing is left in the loop. That
 * needs no memory, only waiting for it does. */
static int close_server(lua_State *L) {
  struct server *server = check(L);
  server_stop(server);
  struct op *op = op_new(L, &close_kind);
  if (server->handles > 0)
    server->closer = op;
  else
    op_done(op);
  return op_await(L, op);
}

static int collect(lua_State *L) {
  struct server **handle = luaL_checkudata(L, 1, SERVER);
  if (*handle) server_drop(*handle);
  *handle = NULL;
  return 0;
}

int luaopen_orch_core_serve(lua_State *L);
int luaopen_orch_core_serve(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"open", open_server},   {"is_address", is_address},
      {"wait", wait},          {"take", take},
      {"gone", gone},          {"quiesce", quiesce},
      {"close", close_server}, {NULL, NULL}};
  luaL_newmetatable(L, SERVER);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  serve_answer_open(L);
  serve_stream_open(L);
  serve_file_open(L);
  return 1;
}
