/* The daemon in the loop: its epoll descriptor, and when it wants to be turned.
 * Opened and closed in mirror order. No Lua. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include "runtime.h"

enum {
  ROUNDS = 3, /* a response is prepared, sent, and the next request awaited */
  SPARE_FDS = 64,
};

/* ---- turning it ---- */

static void turn(struct server *server);

static void on_timer(uv_timer_t *timer) {
  turn(timer->data);
}

static void on_idle(uv_idle_t *idle) {
  turn(idle->data);
}

/* A timer that fires too early does no harm, so it is seldom moved. */
static void turn_within(struct server *server, uint64_t ms) {
  uv_timer_t *timer = &server->timer;
  if (uv_is_active((uv_handle_t *)timer) && uv_timer_get_due_in(timer) <= ms)
    return;
  uv_timer_start(timer, on_timer, ms, 0);
}

/* Not by a timer of 0, which would fire again and again before anything else
 * has its turn. */
void server_turn_soon(struct server *server) {
  if (!server->stopping) uv_idle_start(&server->soon, on_idle);
}

/* While a TLS client thinks about its handshake, the daemon wants to be turned
 * at once, for nothing. */
static void turn(struct server *server) {
  MHD_UNSIGNED_LONG_LONG ms;
  bool again;
  int rounds = 0;
  uv_idle_stop(&server->soon);
  do {
    MHD_run(server->daemon);
    again = MHD_get_timeout(server->daemon, &ms) == MHD_YES;
  } while (++rounds < ROUNDS && again && ms == 0);
  if (again && ms == 0 && !server->tls)
    server_turn_soon(server);
  else if (again)
    turn_within(server, ms > 0 ? ms : 1);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  turn(poll->data);
}

/* ---- opening ---- */

static char said[256]; /* the daemon's first words on why it did not start */

static void on_words(void *cls, const char *format, va_list args) {
  (void)cls;
  if (said[0]) return;
  vsnprintf(said, sizeof said, format, args);
  said[strcspn(said, "\n")] = '\0';
}

/* Scripts see the target as it was sent. */
static size_t leave_escaped(void *cls, struct MHD_Connection *connection,
                            char *text) {
  (void)cls, (void)connection;
  return strlen(text);
}

static unsigned connection_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1000;
  return limit.rlim_cur > 2 * SPARE_FDS ? (unsigned)limit.rlim_cur - SPARE_FDS
                                        : SPARE_FDS;
}

static struct MHD_Daemon *start(struct server *server, int listen_fd,
                                const struct serve_options *options) {
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                   MHD_USE_ERROR_LOG | (options->cert ? MHD_USE_TLS : 0);
  struct MHD_OptionItem tls[] = {
      {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)options->cert},
      {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)options->key},
      {MHD_OPTION_END, 0, NULL},
  };
  struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
  said[0] = '\0';
  return MHD_start_daemon(
      flags, 0, NULL, NULL, serve_on_request, server,
      MHD_OPTION_EXTERNAL_LOGGER, on_words, NULL, MHD_OPTION_LISTEN_SOCKET,
      listen_fd, MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
      MHD_OPTION_CONNECTION_TIMEOUT, options->idle_seconds,
      MHD_OPTION_URI_LOG_CALLBACK, serve_on_target, server,
      MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
      MHD_OPTION_NOTIFY_COMPLETED, serve_on_completed, server,
      MHD_OPTION_NOTIFY_CONNECTION, serve_on_connection, server,
      MHD_OPTION_ARRAY, options->cert ? tls : none, MHD_OPTION_END);
}

/* A daemon that does not start may have closed it already, or not. */
static void close_listener(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
      listens)
    close(fd);
}

static int add_poll(struct server *server, uv_poll_t *poll, int fd,
                    uv_poll_cb callback) {
  int status = uv_poll_init(runtime_loop(), poll, fd);
  if (status < 0) return status;
  poll->data = server;
  server->handles++;
  return uv_poll_start(poll, UV_READABLE, callback);
}

static int add_to_loop(struct server *server) {
  int fd =
      MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  int status = uv_timer_init(runtime_loop(), &server->timer);
  if (status == 0) {
    server->timer.data = server;
    server->handles++;
    status = uv_idle_init(runtime_loop(), &server->soon);
  }
  if (status == 0) {
    server->soon.data = server;
    server->handles++;
    status = add_poll(server, &server->poll, fd, on_poll);
  }
  if (status == 0)
    status = add_poll(server, &server->watch, server->watch_fd, serve_on_watch);
  if (status == 0) turn(server); /* or it does not know its own socket */
  return status;
}

int server_open(struct server **result, const struct serve_options *options,
                const char **why) {
  int port = options->port;
  int fd = serve_listen(options->host, &port);
  *result = NULL;
  *why = NULL;
  if (fd < 0) return fd;
  struct server *server = calloc(1, sizeof *server);
  if (server) {
    server->port = port;
    server->limit = options->limit;
    server->tls = options->cert != NULL;
    server->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    server->daemon = start(server, fd, options);
  }
  if (!server || !server->daemon) {
    close_listener(fd);
    if (server) close(server->watch_fd);
    free(server);
    *why = said[0] ? said : NULL;
    return said[0] ? UV_EINVAL : UV_ENOMEM;
  }
  int status = add_to_loop(server);
  if (status == 0) {
    *result = server;
    return 0;
  }
  server_drop(server);
  return status;
}

/* ---- closing ---- */

void server_quiesce(struct server *server) {
  if (server->closing || !server->daemon) return;
  server->closing = true;
  close(MHD_quiesce_daemon(server->daemon));
  for (struct link *link = server->links; link; link = link->next)
    if (!link->request) shutdown(link->fd, SHUT_RDWR);
  server_wake(server);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct server *server = handle->data;
  if (--server->handles > 0) return;
  struct op *closer = server->closer;
  server->closer = NULL;
  if (server->dropped) free(server);
  if (closer) op_done(closer);
}

static void close_handle(uv_handle_t *handle) {
  if (handle->data && !uv_is_closing(handle))
    uv_close(handle, on_handle_closed);
}

static void forget(struct request_list *list) {
  struct request *request;
  while ((request = request_shift(list))) request_unref(request);
}

/* What was answered at the last moment still goes out; then the descriptors
 * leave the loop before the daemon closes them. */
void server_stop(struct server *server) {
  if (!server->daemon) return;
  server_quiesce(server);
  for (struct link *link = server->links; link; link = link->next)
    if (link->request) request_cut(link->request, END_CLOSE);
  for (int i = 0; i < ROUNDS; i++) MHD_run(server->daemon);
  server->stopping = true;
  close_handle((uv_handle_t *)&server->poll);
  close_handle((uv_handle_t *)&server->watch);
  close_handle((uv_handle_t *)&server->timer);
  close_handle((uv_handle_t *)&server->soon);
  MHD_stop_daemon(server->daemon);
  server->daemon = NULL;
  close(server->watch_fd);
  forget(&server->ready);
  forget(&server->gone);
}

void server_drop(struct server *server) {
  server->dropped = true;
  server->waiter = server->closer = NULL; /* their tasks are gone as well */
  server_stop(server);
  if (server->handles == 0) free(server);
}
