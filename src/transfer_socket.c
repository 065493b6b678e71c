/* The epoll set. libcurl says that it has lost interest in a socket whenever a
 * request ends; for sockets that it opens and closes through us that is only
 * noted, and the kernel is told when it matters. */
#include "transfer_socket.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>
#include "runtime.h"

enum { BATCH = 256 };

struct watched {
  uint8_t wanted; /* EPOLLIN, EPOLLOUT */
  uint8_t known;  /* what the kernel was told; 0: not in the set */
  bool ours;      /* will be closed through transfer_socket_close */
  void *owner;    /* for on_ready */
};

static struct {
  uv_poll_t poll;
  int set;
  struct watched *sockets; /* by descriptor */
  int room;
  unsigned count; /* of those that are ours and open */
  void (*on_ready)(void *owner, curl_socket_t fd, int bits);
  void (*on_batch)(void);
} watch = {.set = -1};

static struct watched *find(int fd) {
  if (fd < 0) return NULL;
  if (fd >= watch.room) {
    int room = fd < 64 ? 128 : fd * 2;
    struct watched *grown = realloc(watch.sockets, room * sizeof *grown);
    if (grown == NULL) return NULL;
    memset(grown + watch.room, 0, (room - watch.room) * sizeof *grown);
    watch.sockets = grown;
    watch.room = room;
  }
  return &watch.sockets[fd];
}

static void tell(int fd, struct watched *socket, uint8_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (events == socket->known) return;
  int how = socket->known == 0 ? EPOLL_CTL_ADD
            : events == 0      ? EPOLL_CTL_DEL
                               : EPOLL_CTL_MOD;
  /* It may have been closed, or its number used again, behind our back. */
  if (epoll_ctl(watch.set, how, fd, &event) != 0 && events != 0)
    epoll_ctl(watch.set, errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
              &event);
  socket->known = events;
}

void transfer_socket_want(curl_socket_t fd, int what, void *owner) {
  struct watched *socket = find(fd);
  if (socket == NULL) return; /* the request then ends by its timeout */
  socket->owner = owner;
  socket->wanted = (what & CURL_POLL_IN ? EPOLLIN : 0) |
                   (what & CURL_POLL_OUT ? EPOLLOUT : 0);
  if (what == CURL_POLL_REMOVE) socket->wanted = 0;
  if (socket->wanted != 0 || !socket->ours) tell(fd, socket, socket->wanted);
}

static void ready(int fd, uint32_t events) {
  struct watched *socket = find(fd);
  if (socket->wanted == 0) {
    tell(fd, socket, 0); /* an idle connection that the server has closed */
    return;
  }
  int bits = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
             (events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
  if (events & (EPOLLERR | EPOLLHUP)) bits = 0;
  watch.on_ready(socket->owner, fd, bits);
}

static void on_set_ready(uv_poll_t *poll, int status, int events) {
  struct epoll_event list[BATCH];
  (void)poll, (void)status, (void)events;
  int n = epoll_wait(watch.set, list, BATCH, 0);
  for (int i = 0; i < n; i++) ready(list[i].data.fd, list[i].events);
  watch.on_batch();
}

curl_socket_t transfer_socket_open(void *unused, curlsocktype purpose,
                                   struct curl_sockaddr *address) {
  (void)unused, (void)purpose;
  int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
  struct watched *entry = find(fd);
  if (entry) *entry = (struct watched){.ours = true};
  if (fd >= 0) watch.count++;
  return fd;
}

int transfer_socket_close(void *unused, curl_socket_t fd) {
  (void)unused;
  struct watched *socket = find(fd);
  if (socket) *socket = (struct watched){0}; /* leaves the set by itself */
  watch.count--;
  return close(fd);
}

unsigned transfer_sockets_count(void) {
  return watch.count;
}

int transfer_sockets_open(void (*on_ready)(void *owner, curl_socket_t fd,
                                           int bits),
                          void (*on_batch)(void)) {
  watch.on_ready = on_ready;
  watch.on_batch = on_batch;
  watch.set = epoll_create1(EPOLL_CLOEXEC);
  if (watch.set < 0) return -errno;
  int status = uv_poll_init(runtime_loop(), &watch.poll, watch.set);
  if (status == 0)
    status = uv_poll_start(&watch.poll, UV_READABLE, on_set_ready);
  uv_unref((uv_handle_t *)&watch.poll);
  return status;
}

void transfer_sockets_needed(bool needed) {
  uv_handle_t *handle = (uv_handle_t *)&watch.poll;
  if (needed)
    uv_ref(handle);
  else
    uv_unref(handle);
}

static void on_closed(uv_handle_t *handle) {
  (void)handle;
  close(watch.set);
  free(watch.sockets);
  watch.sockets = NULL;
  watch.room = 0;
}

void transfer_sockets_close(void) {
  uv_close((uv_handle_t *)&watch.poll, on_closed);
}
