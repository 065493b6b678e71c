/* The life of a request in the daemon's callbacks: it is read, waits for Lua
 * suspended, and is answered. No Lua. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct server *server_of(struct request *request) {
  return request->link->server;
}

/* ---- queues ---- */

void request_push(struct request_list *list, struct request *request) {
  request->next = NULL;
  if (list->last)
    list->last->next = request;
  else
    list->first = request;
  list->last = request;
  request->owners++;
}

struct request *request_shift(struct request_list *list) {
  struct request *request = list->first;
  if (!request) return NULL;
  list->first = request->next;
  if (!list->first) list->last = NULL;
  return request;
}

void request_unref(struct request *request) {
  if (--request->owners > 0) return;
  free(request->head.data);
  free(request->body.data);
  free(request->stream.bytes.data);
  free(request);
}

void server_wake(struct server *server) {
  struct op *waiter = server->waiter;
  server->waiter = NULL;
  if (waiter) op_done(waiter);
}

/* ---- from the first line to the end of the body ---- */

void *serve_on_target(void *cls, const char *target,
                      struct MHD_Connection *connection) {
  struct server *server = cls;
  struct link *link =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
          ->socket_context;
  struct request *request =
      link ? calloc(1, sizeof *request + strlen(target) + 1) : NULL;
  if (!request) return NULL;
  strcpy(request->target, target);
  request->owners = 1;
  request->id = ++server->last_id;
  request->connection = connection;
  request->link = link;
  link->request = request;
  return request;
}

static bool has_header(struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name) != NULL;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection,
                                   unsigned status, const char *text) {
  struct MHD_Response *response = MHD_create_response_from_buffer(
      strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
  if (!response) return MHD_NO;
  MHD_add_response_header(response, "Content-Type",
                          "text/plain; charset=utf-8");
  MHD_add_response_header(response, "Connection", "close");
  enum MHD_Result done = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return done;
}

/* 413 goes out while the body still comes in, past the daemon, which could only
 * answer and close: with bytes of the body unread the kernel would then reset
 * the connection, and the client would hardly see the answer. The rest is
 * thrown away until the client stops. */
static enum MHD_Result refuse(struct request *request, bool first) {
  struct server *server = server_of(request);
  char text[96], answer[320];
  int size = snprintf(text, sizeof text,
                      "the request's body is over the limit of %zu bytes\n",
                      server->limit);
  request->refused = true;
  free(request->body.data);
  request->body = (struct text){0};
  if (first && (server->tls || has_header(request->connection, "Expect")))
    return answer_text(request->connection, 413, text);
  if (server->tls) return MHD_NO;
  size = snprintf(answer, sizeof answer,
                  "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Length: %d\r\n\r\n%s",
                  size, text);
  ssize_t sent = send(request->link->fd, answer, (size_t)size,
                      MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == size ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_head(struct request *request, const char *method) {
  struct MHD_Connection *connection = request->connection;
  const char *length = MHD_lookup_connection_value(
      connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  request->started = true;
  if (strlen(method) >= sizeof request->method)
    return answer_text(connection, 501, "no such method\n");
  strcpy(request->method, method);
  if (length && strtoull(length, NULL, 10) > server_of(request)->limit)
    return refuse(request, true);
  return MHD_YES;
}

static enum MHD_Result on_body(struct request *request, const char *bytes,
                               size_t size) {
  if (request->refused) return MHD_YES;
  if (request->body.size + size > server_of(request)->limit)
    return refuse(request, false);
  return text_add(&request->body, bytes, size) == 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result keep_header(void *cls, enum MHD_ValueKind kind,
                                   const char *name, const char *value) {
  struct text *head = cls;
  (void)kind;
  if (!value) value = "";
  return text_add(head, "\n", 1) == 0 &&
                 text_add(head, name, strlen(name)) == 0 &&
                 text_add(head, ": ", 2) == 0 &&
                 text_add(head, value, strlen(value)) == 0
             ? MHD_YES
             : MHD_NO;
}

/* All of it is here: now it is Lua's turn. */
static enum MHD_Result on_whole(struct request *request) {
  struct MHD_Connection *connection = request->connection;
  struct server *server = server_of(request);
  int headers =
      MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
  if (server->closing)
    return answer_text(connection, 503, "the server is closing\n");
  if (MHD_get_connection_values(connection, MHD_HEADER_KIND, keep_header,
                                &request->head) != headers)
    return MHD_NO;
  request->suspended = true;
  MHD_suspend_connection(connection);
  request_push(&server->ready, request);
  server_wake(server);
  return MHD_YES;
}

enum MHD_Result serve_on_request(void *cls, struct MHD_Connection *connection,
                                 const char *url, const char *method,
                                 const char *version, const char *upload,
                                 size_t *upload_size, void **context) {
  struct request *request = *context;
  (void)cls, (void)connection, (void)url, (void)version;
  if (!request) return MHD_NO;
  if (!request->started) return on_head(request, method);
  if (*upload_size > 0) {
    enum MHD_Result going_on = on_body(request, upload, *upload_size);
    *upload_size = 0;
    return going_on;
  }
  /* It comes back unanswered when it is to be cut off. */
  if (request->refused || request->taken || request->stream.ended)
    return MHD_NO;
  return on_whole(request);
}

/* ---- its end ---- */

void request_resume(struct request *request) {
  if (!request->suspended) return;
  request->suspended = false;
  MHD_resume_connection(request->connection);
  server_turn_soon(server_of(request));
}

/* Only while Lua has it: otherwise it may be in `ready` still. */
void request_tell_gone(struct request *request) {
  if (!request->busy || request->told || request->released) return;
  if (request->waiter && !request->sending) return; /* waits for the end */
  request->told = true;
  if (request->waiter) {
    struct op *waiter = request->waiter;
    request->waiter = NULL;
    op_done(waiter);
  } else {
    struct server *server = server_of(request);
    request_push(&server->gone, request);
    server_wake(server);
  }
}

void serve_on_completed(void *cls, struct MHD_Connection *connection,
                        void **context, enum MHD_RequestTerminationCode how) {
  struct request *request = *context;
  struct server *server = cls;
  (void)connection;
  if (!request) return;
  *context = NULL;
  bool complete = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
  request->whole = complete && request->stream.end == END_WELL;
  if (!request->whole) request_tell_gone(request);
  if (request->busy && --server->busy == 0) server_wake(server);
  request->connection = NULL;
  request->link->request = NULL;
  free(request->stream.bytes.data);
  request->stream.bytes = (struct text){0};
  request->stream.begin = 0;
  struct op *waiter = request->waiter;
  request->waiter = NULL;
  if (waiter) op_done(waiter);
  request_unref(request);
}

/* Disconnecting a socket sends the reset at once; closing it would say good bye
 * politely first. */
void request_reset(struct request *request) {
  struct sockaddr nobody = {.sa_family = AF_UNSPEC};
  connect(request->link->fd, &nobody, sizeof nobody);
}

void request_cut(struct request *request, enum serve_end end) {
  if (request_is_over(request)) return;
  if (!request->answered) {
    if (end == END_RESET) request_reset(request);
    request->taken = true; /* see serve_on_request */
  } else if (request->stream.on && !request->stream.ended) {
    request->stream.ended = true;
    request->stream.end = end;
  }
  request_resume(request);
}
