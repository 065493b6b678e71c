/* slow_server SECONDS: an HTTP server that answers every request after so long,
 * however many are waiting, with the most that have waited at once. Prints
 * "ready http=URL" and serves until it is killed. Knows requests without a body
 * only, kept alive. */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 65536, LISTENERS = 4 };

/* What is known of a connection, by its descriptor. */
static struct connection {
  unsigned generation;   /* counts the uses of the descriptor */
  unsigned char matched; /* of the empty line that ends a request */
} connections[MAX_FD];

/* All wait equally long, so the one that came first is due first. */
static struct due {
  int fd;
  unsigned generation;
  struct timespec at;
} queue[MAX_FD];
static unsigned head, tail, most; /* ... that have waited at once */

static int epoll, timer;
static struct timespec delay;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void check(int result, const char *what) {
  if (result < 0) die(what);
}

static void look_at(int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "slow_server: epoll_ctl");
}

/* The kernel's queue of what nobody has accepted yet is short (somaxconn,
 * 4,096); several sockets on one port have one each, so that 10,000 may come at
 * once. */
static int listen_at(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
  check(fd, "slow_server: socket");
  check(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on),
        "slow_server: SO_REUSEPORT");
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  check(bind(fd, (struct sockaddr *)&address, size), "slow_server: bind");
  check(listen(fd, 65535), "slow_server: listen");
  check(getsockname(fd, (struct sockaddr *)&address, &size),
        "slow_server: getsockname");
  look_at(fd);
  return ntohs(address.sin_port);
}

static void set_timer(void) {
  if (head == tail) return;
  struct itimerspec at = {.it_value = queue[head % MAX_FD].at};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void accept_all(int listener) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MAX_FD) {
      fprintf(stderr, "slow_server: too many connections\n");
      exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[fd].generation++;
    connections[fd].matched = 0;
    look_at(fd);
  }
  if (errno != EAGAIN && errno != EWOULDBLOCK) die("slow_server: accept");
}

static void put_off(int fd) {
  struct due *due = &queue[tail++ % MAX_FD];
  due->fd = fd;
  due->generation = connections[fd].generation;
  clock_gettime(CLOCK_MONOTONIC, &due->at);
  due->at.tv_sec += delay.tv_sec;
  due->at.tv_nsec += delay.tv_nsec;
  if (due->at.tv_nsec >= 1000000000) {
    due->at.tv_nsec -= 1000000000;
    due->at.tv_sec++;
  }
  if (tail - head > most) most = tail - head;
  if (tail - head == 1) set_timer();
}

static void read_request(int fd) {
  static const char end[] = "\r\n\r\n";
  char text[4096];
  ssize_t size = read(fd, text, sizeof text);
  if (size <= 0) {
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    connections[fd].generation++;
    close(fd);
    return;
  }
  struct connection *c = &connections[fd];
  for (ssize_t i = 0; i < size; i++) {
    if (text[i] == end[c->matched])
      c->matched++;
    else
      c->matched = text[i] == '\r';
    if (c->matched == 4) {
      c->matched = 0;
      put_off(fd);
    }
  }
}

static void answer_due(void) {
  char answer[128];
  int size = snprintf(answer, sizeof answer,
                      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                      "Content-Length: 5\r\n\r\n%05u",
                      most);
  unsigned long long times;
  if (read(timer, &times, sizeof times) < 0) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  for (; head != tail; head++) {
    struct due *due = &queue[head % MAX_FD];
    if (due->at.tv_sec > now.tv_sec ||
        (due->at.tv_sec == now.tv_sec && due->at.tv_nsec > now.tv_nsec))
      break;
    if (due->generation != connections[due->fd].generation) continue;
    send(due->fd, answer, (size_t)size, MSG_NOSIGNAL);
  }
  set_timer();
}

int main(int argc, char **argv) {
  double seconds = argc == 2 ? atof(argv[1]) : 0;
  if (seconds <= 0) {
    fprintf(stderr, "usage: slow_server SECONDS\n");
    return 2;
  }
  delay.tv_sec = (time_t)seconds;
  delay.tv_nsec = (long)((seconds - (double)delay.tv_sec) * 1e9);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  check(epoll = epoll_create1(0), "slow_server: epoll_create1");
  int port = 0, first = epoll + 1;
  for (int i = 0; i < LISTENERS; i++) port = listen_at(port);
  check(timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK),
        "slow_server: timerfd_create");
  look_at(timer);
  printf("ready http=http://127.0.0.1:%d\n", port);
  fflush(stdout);

  for (;;) {
    struct epoll_event events[512];
    int count = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == timer)
        answer_due();
      else if (fd >= first && fd < first + LISTENERS)
        accept_all(fd);
      else
        read_request(fd);
    }
  }
}
