/* Connections, and the clients that hang up: the daemon does not look at a
 * connection whose request is suspended, so an epoll descriptor of ours does.
 * No Lua. */
#include "serve.h"

#include <stdlib.h>
#include <sys/epoll.h>

enum { EVENTS = 64 };

/* ---- clients that hang up ---- */

static void on_hang_up(struct request *request) {
  if (!request) return;
  request->hung_up = true;
  if (request->stream.on || !request->answered) request_tell_gone(request);
}

void serve_on_watch(uv_poll_t *poll, int status, int events) {
  struct epoll_event list[EVENTS];
  struct server *server = poll->data;
  (void)status, (void)events;
  int n = epoll_wait(server->watch_fd, list, EVENTS, 0);
  for (int i = 0; i < n; i++)
    on_hang_up(((struct link *)list[i].data.ptr)->request);
}

/* ---- connections ---- */

static void link_add(struct server *server, struct link *link) {
  link->next = server->links;
  if (link->next) link->next->prev = link;
  server->links = link;
}

static void link_remove(struct link *link) {
  if (link->prev)
    link->prev->next = link->next;
  else
    link->server->links = link->next;
  if (link->next) link->next->prev = link->prev;
}

/* Edge-triggered and for hang-ups only: data on its way wakes nobody. */
static void on_accepted(struct server *server,
                        struct MHD_Connection *connection, void **context) {
  struct link *link = calloc(1, sizeof *link);
  if (!link) return; /* its requests are refused */
  link->server = server;
  link->fd =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
          ->connect_fd;
  struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = link};
  epoll_ctl(server->watch_fd, EPOLL_CTL_ADD, link->fd, &event);
  link_add(server, link);
  *context = link;
}

void serve_on_connection(void *cls, struct MHD_Connection *connection,
                         void **context,
                         enum MHD_ConnectionNotificationCode what) {
  struct server *server = cls;
  struct link *link = *context;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    on_accepted(server, connection, context);
  } else if (link) {
    epoll_ctl(server->watch_fd, EPOLL_CTL_DEL, link->fd, NULL);
    link_remove(link);
    free(link);
    *context = NULL;
  }
}
