/* sink_server: an HTTP server for uploads that throws away what it gets, for
 * next to nothing, and answers "answer BYTES". Prints "ready
 * http=URL". One connection at a time, and only bodies with a
 * Content-Length. */
#define _GNU_SOURCE /* strcasestr */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads the head of a request; how much of the body came with it, or -1. */
static long read_head(int fd, char *text, size_t room) {
  size_t used = 0;
  while (used < room - 1) {
    ssize_t size = read(fd, text + used, room - 1 - used);
    if (size <= 0) return -1;
    used += (size_t)size;
    text[used] = 0;
    char *end = strstr(text, "\r\n\r\n");
    if (end) {
      *end = 0;
      return (long)used - (end + 4 - text);
    }
  }
  return -1;
}

/* Throws away the body; 0 when the connection ends before it does. */
static int swallow(int fd, unsigned long long left) {
  while (left > 0) {
    size_t want = left < 1u << 20 ? (size_t)left : 1u << 20;
    /* For TCP: throw away in the kernel, without copying. */
    ssize_t size = recv(fd, NULL, want, MSG_TRUNC);
    if (size <= 0) return 0;
    left -= (unsigned long long)size;
  }
  return 1;
}

static void serve(int fd) {
  static char text[65536];
  for (;;) {
    long got = read_head(fd, text, sizeof text);
    if (got < 0) return;
    char *field = strcasestr(text, "\r\ncontent-length:");
    if (!field) return;
    unsigned long long size = strtoull(field + 17, NULL, 10);
    if (strcasestr(text, "\r\nexpect: 100-continue"))
      dprintf(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    if (!swallow(fd, size - (unsigned long long)got)) return;
    char answer[40];
    int length = snprintf(answer, sizeof answer, "answer %llu\n", size);
    dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length,
            answer);
  }
}

int main(void) {
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
      listen(listener, 64) < 0 ||
      getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
    perror("sink_server");
    return 1;
  }
  printf("ready http=http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    serve(fd);
    close(fd);
  }
}
