/* The HTTP server: a libmicrohttpd daemon in our loop. Callbacks only fill
 * queues; a request is suspended while Lua works on it and so costs nothing.
 *
 *   serve.c          orch.core.serve: servers as Lua values
 *   serve_listen.c   the listening socket
 *   serve_loop.c     daemon and loop
 *   serve_link.c     connections, and clients that hang up
 *   serve_request.c  the life of a request in the daemon's callbacks
 *   serve_answer.c   orch.core.serve: requests as Lua values, their answers
 *   serve_stream.c   answers that are sent as they are made
 *   serve_file.c     files read piece by piece on the pool */
#ifndef ORCH_SERVE_H
#define ORCH_SERVE_H

#include <lua.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <uv.h>
#include "folder.h"
#include "op.h"

enum {
  SERVE_WINDOW = 64 << 10, /* unsent bytes of a stream before `send` waits */
};

struct server;

/* How a request ends without an answer or in the middle of one. */
enum serve_end {
  END_WELL,
  END_CLOSE, /* the connection is closed */
  END_RESET, /* and the client sees "connection reset by peer" */
};

/* One connection, from accept to close. */
struct link {
  struct link *prev, *next;
  struct server *server;
  struct request *request; /* the one it is busy with, or NULL */
  int fd;
};

/* One request: belongs to the daemon until it is completed and to Lua until it
 * is collected; whoever is last frees it. */
struct request {
  struct request *next;              /* in `ready` or `gone`, never both */
  struct link *link;                 /* valid while `connection` is */
  struct MHD_Connection *connection; /* NULL: completed */
  int owners;
  lua_Integer id;
  char method[32];
  struct text head; /* a line end before each header */
  struct text body;
  bool started;   /* the headers are here */
  bool refused;   /* answered with 413: what still comes is thrown away */
  bool suspended; /* to be resumed exactly once */
  bool taken;     /* Lua has it, or will not get it */
  bool busy;      /* Lua got it */
  bool answered;  /* a response is queued */
  bool released;  /* Lua wants to hear no more */
  bool hung_up;   /* the client did, before Lua took it */
  bool told;      /* is or was in `gone` */
  bool whole;     /* the response was sent to its end */

  /* A response that is sent as it is made. */
  struct {
    struct text bytes;
    size_t begin; /* of what is unsent in `bytes` */
    bool on, ended;
    enum serve_end end;
  } stream;

  struct op *waiter; /* sends, or waits for the completion */
  bool sending;      /* the waiter waits for room only */
  char target[];
};

struct request_list {
  struct request *first, *last;
};

struct server {
  struct MHD_Daemon *daemon; /* NULL: stopped */
  uv_poll_t poll;            /* the daemon's epoll descriptor */
  uv_poll_t watch;           /* ours: clients that hang up */
  uv_timer_t timer;
  uv_idle_t soon; /* turns the daemon once more */
  int watch_fd;
  int handles; /* open in the loop */
  int port;
  size_t limit; /* bytes of a request's body */
  lua_Integer last_id;
  bool tls;
  bool closing;  /* listens no more */
  bool stopping; /* whatever is left is cut off */
  bool dropped;  /* nobody owns it: freed with its last handle */
  struct link *links;
  struct request_list ready; /* for Lua to take */
  struct request_list gone;  /* the client hung up; the handler still works */
  size_t busy;               /* requests that Lua has and the daemon, too */
  struct op *waiter;         /* the task that takes requests */
  struct op *closer;
};

/* What a server is made of; cert and key are PEM texts or NULL. */
struct serve_options {
  const char *host; /* an IP address */
  int port;
  size_t limit;
  unsigned idle_seconds; /* without activity before a connection is closed */
  const char *cert, *key;
};

/* A listening socket; -errno when there is none. `port` becomes the real one.
 */
int serve_listen(const char *host, int *port);

/* 0 or a negative libuv code; *server is then NULL and *why may say more. */
int server_open(struct server **server, const struct serve_options *options,
                const char **why);
void server_quiesce(struct server *server); /* listens no more */
void server_stop(struct server *server);    /* closes everything at once */
void server_drop(struct server *server);    /* frees it, now or later */

/* For the daemon. */
enum MHD_Result serve_on_request(void *server, struct MHD_Connection *,
                                 const char *url, const char *method,
                                 const char *version, const char *upload,
                                 size_t *upload_size, void **request);
void *serve_on_target(void *server, const char *target,
                      struct MHD_Connection *connection);
void serve_on_completed(void *server, struct MHD_Connection *, void **request,
                        enum MHD_RequestTerminationCode how);
void serve_on_connection(void *server, struct MHD_Connection *, void **link,
                         enum MHD_ConnectionNotificationCode what);
void serve_on_watch(uv_poll_t *poll, int status, int events);
ssize_t serve_on_read(void *request, uint64_t at, char *buffer, size_t size);

/* A resumed connection goes on when the daemon is turned. */
void server_turn_soon(struct server *server);

/* Ends the wait of the task that takes requests. */
void server_wake(struct server *server);
void request_push(struct request_list *list, struct request *request);
struct request *request_shift(struct request_list *list);
void request_unref(struct request *request);
void request_resume(struct request *request);
/* The client hung up while a handler works. */
void request_tell_gone(struct request *request);
/* Cuts a request off, whatever state it is in. Nothing is waited for. */
void request_cut(struct request *request, enum serve_end end);
static inline bool request_is_over(const struct request *request) {
  return request->connection == NULL;
}
static inline size_t request_unsent(const struct request *request) {
  return request->stream.bytes.size - request->stream.begin;
}

/* The client sees "connection reset by peer". */
void request_reset(struct request *request);

/* What calls that answer have in common; serve_queue does not raise. */
struct answer_op {
  struct op op;
  struct request *request;
  bool closed; /* the client had gone before it was called */
};
struct request *serve_check_request(lua_State *L);
struct request *serve_check_unanswered(lua_State *L);
int serve_check_status(lua_State *L, int index);
void serve_check_headers(lua_State *L, int index);
int serve_queue(lua_State *L, struct request *request, int status, int index,
                struct MHD_Response *response);

/* Add their functions to the module on top of the stack. */
void serve_answer_open(lua_State *L);
void serve_stream_open(lua_State *L);
void serve_file_open(lua_State *L);

/* Pushes the next request that waits to be handled, or returns false. */
bool serve_push_request(lua_State *L, struct server *server);

#endif
