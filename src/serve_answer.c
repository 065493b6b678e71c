/* Requests as Lua values: what came, and what goes back. The daemon's calls are
 * made between op_new and op_await, where nothing may raise. */
#include "serve.h"

#include <lauxlib.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "error.h"

#define REQUEST "orch.serve.request"

struct request *serve_check_request(lua_State *L) {
  return *(struct request **)luaL_checkudata(L, 1, REQUEST);
}

bool serve_push_request(lua_State *L, struct server *server) {
  if (!server->ready.first) return false;
  struct request **handle = lua_newuserdatauv(L, sizeof *handle, 0);
  struct request *request = *handle = request_shift(&server->ready);
  luaL_setmetatable(L, REQUEST);
  request->taken = true;
  request->busy = true;
  server->busy++;
  if (request->hung_up) request_tell_gone(request);
  return true;
}

/* ---- what came ---- */

/* about(request) -> id, method, target, body */
static int about(lua_State *L) {
  struct request *request = serve_check_request(L);
  lua_pushinteger(L, request->id);
  lua_pushstring(L, request->method);
  lua_pushstring(L, request->target);
  lua_pushlstring(L, request->body.size ? request->body.data : "",
                  request->body.size);
  free(request->body.data);
  request->body = (struct text){0};
  return 4;
}

/* headers(request) -> "\nName: value\nName: value" */
static int headers(lua_State *L) {
  struct request *request = serve_check_request(L);
  lua_pushlstring(L, request->head.size ? request->head.data : "",
                  request->head.size);
  return 1;
}

/* remote(request) -> "127.0.0.1:5000", or nil once the client has gone */
static int remote(lua_State *L) {
  struct request *request = serve_check_request(L);
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char host[INET6_ADDRSTRLEN];
  if (request_is_over(request) ||
      getpeername(request->link->fd, (struct sockaddr *)&address, &size) != 0)
    return 0;
  if (address.ss_family == AF_INET6) {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    uv_ip6_name(v6, host, sizeof host);
    lua_pushfstring(L, "[%s]:%d", host, (int)ntohs(v6->sin6_port));
  } else {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    uv_ip4_name(v4, host, sizeof host);
    lua_pushfstring(L, "%s:%d", host, (int)ntohs(v4->sin_port));
  }
  return 1;
}

/* ---- what goes back ---- */

int serve_check_status(lua_State *L, int index) {
  int status = (int)luaL_checkinteger(L, index);
  luaL_argcheck(L, status >= 200 && status <= 999, index, "no status");
  return status;
}

/* Headers are a list {name, value, ...} of strings, or nil. */
void serve_check_headers(lua_State *L, int index) {
  if (!lua_isnoneornil(L, index)) luaL_checktype(L, index, LUA_TTABLE);
  luaL_checkstack(L, 4, NULL);
}

static bool add_headers(lua_State *L, int index, struct request *request,
                        struct MHD_Response *response) {
  bool added = true;
  lua_Integer n = lua_istable(L, index) ? (lua_Integer)lua_rawlen(L, index) : 0;
  for (lua_Integer i = 1; i < n && added; i += 2) {
    lua_rawgeti(L, index, i);
    lua_rawgeti(L, index, i + 1);
    added = lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) == LUA_TSTRING &&
            MHD_add_response_header(response, lua_tostring(L, -2),
                                    lua_tostring(L, -1)) == MHD_YES;
    lua_pop(L, 2);
  }
  if (added && request->link->server->closing)
    MHD_add_response_header(response, "Connection", "close");
  return added;
}

/* Gives the response to the daemon. Takes it over in any case. */
int serve_queue(lua_State *L, struct request *request, int status, int index,
                struct MHD_Response *response) {
  if (!response) return UV_ENOMEM;
  bool queued = add_headers(L, index, request, response) &&
                MHD_queue_response(request->connection, (unsigned)status,
                                   response) == MHD_YES;
  MHD_destroy_response(response);
  if (!queued) return UV_ENOMEM;
  request->answered = true;
  request_resume(request);
  return 0;
}

/* The op ends when the daemon is done with the request. */
static void wait_for_end(struct request *request, struct op *op) {
  if (request_is_over(request)) {
    op_done(op);
  } else {
    request->waiter = op;
    request->sending = false;
  }
}

/* The daemon may still read what we gave it: it has to let go first. */
static void end_cancel(struct op *op) {
  struct request *request = ((struct answer_op *)op)->request;
  if (!request_is_over(request)) shutdown(request->link->fd, SHUT_RDWR);
}

/* Whether all of it went out. */
static int end_result(lua_State *L, struct op *op) {
  lua_pushboolean(L, ((struct answer_op *)op)->request->whole);
  return 1;
}

static const struct op_kind end_kind = {
    .name = "http.serve",
    .size = sizeof(struct answer_op),
    .result = end_result,
    .cancel = end_cancel,
};

struct request *serve_check_unanswered(lua_State *L) {
  struct request *request = serve_check_request(L);
  if (request->answered)
    error_usage(L, "http.serve: this request is answered already");
  return request;
}

/* respond(request, status, headers, body) -> whether all of it went out */
static int respond(lua_State *L) {
  struct request *request = serve_check_unanswered(L);
  int status = serve_check_status(L, 2);
  serve_check_headers(L, 3);
  size_t size;
  const char *body = luaL_checklstring(L, 4, &size);
  struct answer_op *op = op_new(L, &end_kind);
  op->request = request;
  if (!request_is_over(request))
    op->op.status =
        serve_queue(L, request, status, 3,
                    MHD_create_response_from_buffer(size, (void *)body,
                                                    MHD_RESPMEM_PERSISTENT));
  if (op->op.status < 0)
    op_done(&op->op);
  else
    wait_for_end(request, &op->op);
  return op_await(L, &op->op);
}

static enum serve_end check_end(lua_State *L, int index) {
  static const char *const names[] = {"well", "close", "reset", NULL};
  return (enum serve_end)luaL_checkoption(L, index, NULL, names);
}

/* finish(request, "well"|"close"|"reset") -> whether all of it went out; ends a
 * stream, or cuts off a request that has no answer */
static int finish(lua_State *L) {
  struct request *request = serve_check_request(L);
  enum serve_end end = check_end(L, 2);
  struct answer_op *op = op_new(L, &end_kind);
  op->request = request;
  request_cut(request, end);
  wait_for_end(request, &op->op);
  return op_await(L, &op->op);
}

/* Does not wait: for the end of a handler that failed or was cancelled. */

/* fail(request, status, text) -> whether that was the answer; an answer that
 * has begun is cut off instead */
static int fail(lua_State *L) {
  struct request *request = serve_check_request(L);
  int status = serve_check_status(L, 2);
  size_t size;
  const char *text = luaL_checklstring(L, 3, &size);
  bool late = request->answered || request_is_over(request);
  request->released = true;
  if (!late) {
    struct MHD_Response *response = MHD_create_response_from_buffer(
        size, (void *)text, MHD_RESPMEM_MUST_COPY);
    if (response)
      MHD_add_response_header(response, "Content-Type",
                              "text/plain; charset=utf-8");
    serve_queue(L, request, status, 0, response);
  }
  request_cut(request, END_CLOSE);
  lua_pushboolean(L, !late);
  return 1;
}

/* release(request): whatever is left of it is cut off */
static int release(lua_State *L) {
  struct request *request = serve_check_request(L);
  request->released = true;
  request_cut(request, END_CLOSE);
  return 0;
}

static int collect(lua_State *L) {
  struct request **handle = luaL_checkudata(L, 1, REQUEST);
  if (!*handle) return 0;
  (*handle)->released = true;
  request_cut(*handle, END_CLOSE);
  request_unref(*handle);
  *handle = NULL;
  return 0;
}

void serve_answer_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"about", about},     {"headers", headers}, {"remote", remote},
      {"respond", respond}, {"finish", finish},   {"fail", fail},
      {"release", release}, {NULL, NULL}};
  luaL_newmetatable(L, REQUEST);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
