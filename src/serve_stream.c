/* A response that is sent as it is made: Lua adds bytes and waits while many
 * are unsent; the daemon takes them, and is suspended while there are none. */
#include "serve.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "error.h"

#define UNKNOWN_SIZE (-1)

/* ---- for the daemon; no Lua ---- */

static ssize_t end_stream(struct request *request) {
  if (request->stream.end == END_WELL) return MHD_CONTENT_READER_END_OF_STREAM;
  if (request->stream.end == END_RESET) request_reset(request);
  return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* There is room again for whoever waits to send. */
static void drained(struct request *request) {
  struct text *bytes = &request->stream.bytes;
  if (request_unsent(request) == 0) {
    free(bytes->data); /* an idle stream holds no memory */
    *bytes = (struct text){0};
    request->stream.begin = 0;
  }
  if (!request->sending || request_unsent(request) > SERVE_WINDOW / 2) return;
  struct op *waiter = request->waiter;
  request->waiter = NULL;
  request->sending = false;
  if (waiter) op_done(waiter);
}

ssize_t serve_on_read(void *cls, uint64_t at, char *buffer, size_t size) {
  struct request *request = cls;
  size_t unsent = request_unsent(request);
  (void)at;
  if (unsent == 0 && request->stream.ended) return end_stream(request);
  if (unsent == 0) {
    request->suspended = true;
    MHD_suspend_connection(request->connection);
    return 0;
  }
  if (size > unsent) size = unsent;
  memcpy(buffer, request->stream.bytes.data + request->stream.begin, size);
  request->stream.begin += size;
  drained(request);
  return (ssize_t)size;
}

/* ---- for Lua ---- */

/* start(request, status, headers, size or -1): a body follows with `send`. Of a
 * HEAD request only the size is told. */
static int start(lua_State *L) {
  struct request *request = serve_check_unanswered(L);
  int status = serve_check_status(L, 2);
  serve_check_headers(L, 3);
  lua_Integer size = luaL_checkinteger(L, 4);
  if (request_is_over(request)) return 0;
  request->stream.on = true;
  int failed =
      serve_queue(L, request, status, 3,
                  MHD_create_response_from_callback(
                      size == UNKNOWN_SIZE ? MHD_SIZE_UNKNOWN : (uint64_t)size,
                      SERVE_WINDOW / 2, serve_on_read, request, NULL));
  if (!failed) return 0;
  request->stream.on = false;
  return error_os(L, "answer a request", NULL, failed);
}

static void send_cancel(struct op *op) {
  ((struct answer_op *)op)->request->waiter = NULL;
  op_done(op);
}

static int send_result(lua_State *L, struct op *op) {
  struct answer_op *send = (struct answer_op *)op;
  struct request *request = send->request;
  bool lost = request->told || (request_is_over(request) && !request->whole);
  if (!send->closed && !lost) return 0;
  error_push(L, "closed", "http.serve: the client of this request has gone");
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "client_gone");
  return error_throw(L);
}

static const struct op_kind send_kind = {
    .name = "http.serve: send",
    .size = sizeof(struct answer_op),
    .result = send_result,
    .cancel = send_cancel,
};

static int add_bytes(struct request *request, const char *data, size_t size) {
  struct text *bytes = &request->stream.bytes;
  if (request->stream.begin > 0) {
    bytes->size -= request->stream.begin;
    memmove(bytes->data, bytes->data + request->stream.begin, bytes->size);
    request->stream.begin = 0;
  }
  if (text_add(bytes, data, size) != 0) return UV_ENOMEM;
  request_resume(request);
  return 0;
}

/* send(request, bytes): waits while much is unsent */
static int send_bytes(lua_State *L) {
  struct request *request = serve_check_request(L);
  size_t size;
  const char *data = luaL_checklstring(L, 2, &size);
  struct answer_op *op = op_new(L, &send_kind);
  op->request = request;
  op->closed = request_is_over(request) || !request->stream.on ||
               request->stream.ended || request->told;
  if (!op->closed && size > 0) op->op.status = add_bytes(request, data, size);
  if (op->closed || op->op.status < 0 ||
      request_unsent(request) <= SERVE_WINDOW) {
    op_done(&op->op);
  } else {
    request->waiter = &op->op;
    request->sending = true;
  }
  return op_await(L, &op->op);
}

void serve_stream_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"start", start}, {"send", send_bytes}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
