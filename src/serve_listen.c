/* The listening socket. It is ours, not the daemon's, so that a port that is
 * taken is told as that. No Lua. */
#include "serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#include "descriptors.h"

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static int listen_at(int fd, union address *address, int *port) {
  int on = 1;
  socklen_t size = sizeof *address;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, &address->any,
           address->any.sa_family == AF_INET6 ? sizeof address->v6
                                              : sizeof address->v4) != 0 ||
      listen(fd, SOMAXCONN) != 0 || getsockname(fd, &address->any, &size) != 0)
    return -errno;
  *port = ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port
                                                   : address->v4.sin_port);
  return 0;
}

int serve_listen(const char *host, int *port) {
  union address address;
  memset(&address, 0, sizeof address);
  if (uv_ip4_addr(host, *port, &address.v4) != 0 &&
      uv_ip6_addr(host, *port, &address.v6) != 0)
    return UV_EINVAL;
  descriptors_raise();
  int fd = socket(address.any.sa_family,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int status = listen_at(fd, &address, port);
  if (status == 0) return fd;
  close(fd);
  return status;
}
