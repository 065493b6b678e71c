/* Standard output and standard error that mask. glibc lets a program replace
 * the variables `stdout` and `stderr`, so print, io.write, our own messages and
 * those of worker threads all pass here, and not a line is slower before the
 * first secret. What children inherit are the descriptors: they pass by. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mask.h"

/* `held` is what may be the beginning of a secret; `room` what comes out. */
struct stream {
  int fd;
  char *held, *room;
  size_t size, capacity;
  size_t covered;
};

static struct stream streams[2] = {{.fd = STDOUT_FILENO},
                                   {.fd = STDERR_FILENO}};
static FILE *files[2], *originals[2];
static struct mask_files *users;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool write_all(int fd, const char *text, size_t size) {
  while (size > 0) {
    ssize_t put = write(fd, text, size);
    if (put >= 0) {
      text += put;
      size -= (size_t)put;
    } else if (errno == EAGAIN) { /* somebody made the terminal non-blocking */
      poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

static bool make_room(struct stream *stream, size_t size) {
  if (size <= stream->capacity) return true;
  char *held = realloc(stream->held, size);
  if (held) stream->held = held;
  char *room = realloc(stream->room, size);
  if (room) stream->room = room;
  if (held && room) stream->capacity = size;
  return held && room;
}

static bool pass_on(struct stream *stream, bool more) {
  struct mask_out out = {.text = stream->room};
  size_t done =
      mask_run(stream->held, stream->size, more, &stream->covered, &out);
  stream->size -= done;
  memmove(stream->held, stream->held + done, stream->size);
  return write_all(stream->fd, out.text, out.size);
}

static ssize_t on_write(void *cookie, const char *text, size_t size) {
  struct stream *stream = cookie;
  if (!make_room(stream, stream->size + size)) return 0;
  memcpy(stream->held + stream->size, text, size);
  stream->size += size;
  return pass_on(stream, true) ? (ssize_t)size : 0;
}

static FILE *open_stream(struct stream *stream, int how) {
  cookie_io_functions_t functions = {.write = on_write};
  FILE *file = fopencookie(stream, "w", functions);
  if (file) setvbuf(file, NULL, how, BUFSIZ);
  return file;
}

static bool replace(void) {
  int how = isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF;
  if (!files[0]) files[0] = open_stream(&streams[0], how);
  if (!files[1]) files[1] = open_stream(&streams[1], _IONBF);
  if (!files[0] || !files[1]) return false;
  fflush(stdout); /* a failure is not lost: the next write meets it again */
  originals[0] = stdout;
  originals[1] = stderr;
  stdout = files[0];
  stderr = files[1];
  return true;
}

/* Another thread may be using them: it has the old FILE or the new one. */
static void redirect(struct mask_files *user) {
  for (size_t i = 0; i < 2; i++)
    if (user->files[i] && *user->files[i] == originals[i])
      *user->files[i] = files[i];
}

bool mask_streams(void) {
  pthread_mutex_lock(&lock);
  bool done = originals[0] || replace();
  if (done)
    for (struct mask_files *user = users; user; user = user->next)
      redirect(user);
  pthread_mutex_unlock(&lock);
  return done;
}

void mask_join(struct mask_files *user) {
  pthread_mutex_lock(&lock);
  user->next = users;
  users = user;
  if (originals[0]) redirect(user);
  pthread_mutex_unlock(&lock);
}

void mask_leave(struct mask_files *user) {
  pthread_mutex_lock(&lock);
  struct mask_files **at = &users;
  while (*at && *at != user) at = &(*at)->next;
  if (*at) *at = user->next;
  pthread_mutex_unlock(&lock);
}

void mask_finish(void) {
  for (size_t i = 0; i < 2 && originals[i]; i++) {
    fflush(files[i]);
    if (streams[i].size > 0) pass_on(&streams[i], false);
  }
}
