/* Readers and writers. Callbacks of libuv report readiness only and the system
 * call itself says what is wrong: after a hang-up libuv knows no better than
 * "bad descriptor". */
#include "pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "clock.h"
#include "runtime.h"

enum {
  CHUNK = 64 << 10,
  TURN = 1 << 20, /* bytes read before others in the loop have their turn */
};

static bool append(struct reader *reader, const char *data, size_t size) {
  if (reader->begin == reader->end) reader->begin = reader->end = 0;
  if (reader->end + size > reader->capacity && reader->begin > 0) {
    memmove(reader->data, reader->data + reader->begin, reader_size(reader));
    reader->end -= reader->begin;
    reader->begin = 0;
  }
  if (reader->end + size > reader->capacity) {
    size_t capacity = reader->capacity * 2;
    if (capacity < reader->end + size) capacity = reader->end + size;
    char *grown = realloc(reader->data, capacity);
    if (grown == NULL) return false;
    reader->data = grown;
    reader->capacity = capacity;
  }
  memcpy(reader->data + reader->end, data, size);
  reader->end += size;
  return true;
}

static void consume(struct reader *reader, size_t size) {
  reader->begin += size;
  reader->scanned = 0;
}

static void store(struct reader *reader, const char *data, size_t size) {
  reader->arrived_ns = clock_now();
  if (reader->overflow) return;
  if (reader->full == READER_FAILS &&
      reader_size(reader) + size > reader->limit) {
    reader->overflow = true;
    return;
  }
  if (!append(reader, data, size)) {
    reader->status = UV_ENOMEM;
    return;
  }
  if (reader->full == READER_DROPS && reader_size(reader) > reader->limit)
    consume(reader, reader_size(reader) - reader->limit);
}

/* One read; false when there is no more for now. */
static bool read_once(struct reader *reader) {
  char chunk[CHUNK];
  ssize_t got = read(reader->fd, chunk, sizeof chunk);
  if (got > 0) store(reader, chunk, got);
  /* The other side of a terminal was closed: that is its end. */
  if (got == 0 || (got < 0 && errno == EIO)) reader->eof = true;
  if (got < 0 && errno != EAGAIN && errno != EINTR && errno != EIO)
    reader->status = -errno;
  return got == sizeof chunk && reader->status == 0;
}

static bool is_full(const struct reader *reader) {
  return reader->full == READER_WAITS && reader_size(reader) >= reader->limit;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  struct reader *reader = poll->data;
  (void)status, (void)events;
  /* libuv has stopped a poll that it reports an error on. */
  reader->polling = uv_is_active((uv_handle_t *)poll);
  size_t before = TURN;
  while (!is_full(reader) && read_once(reader) && before > 0) before -= CHUNK;
  reader_resume(reader);
  reader->on_change(reader);
}

void reader_resume(struct reader *reader) {
  if (!reader->in_loop) return;
  bool wanted = !reader_over(reader) && !is_full(reader);
  if (wanted == reader->polling) return;
  if (wanted)
    uv_poll_start(&reader->poll, UV_READABLE, on_readable);
  else
    uv_poll_stop(&reader->poll);
  reader->polling = wanted;
}

int reader_start(struct reader *reader) {
  int status = uv_poll_init(runtime_loop(), &reader->poll, reader->fd);
  if (status < 0) return status;
  reader->poll.data = reader;
  reader->in_loop = true;
  reader->polling = false;
  reader_resume(reader);
  return 0;
}

static void on_reader_closed(uv_handle_t *handle) {
  struct reader *reader = handle->data;
  reader->on_closed(reader);
}

void reader_stop(struct reader *reader) {
  if (!reader->in_loop) return;
  reader->in_loop = reader->polling = false;
  uv_close((uv_handle_t *)&reader->poll, on_reader_closed);
}

void reader_pull(struct reader *reader) {
  read_once(reader);
}

void reader_drain(struct reader *reader) {
  size_t left = TURN;
  if (reader->fd < 0 || reader_over(reader)) return;
  while (read_once(reader) && left > 0) left -= CHUNK;
  /* A short read may have been the last before the end. */
  if (!reader_over(reader)) read_once(reader);
}

void reader_close_fd(struct reader *reader) {
  if (reader->fd >= 0) close(reader->fd);
  reader->fd = -1;
  reader->eof = true;
}

void reader_free(struct reader *reader) {
  free(reader->data);
  reader->data = NULL;
  reader->begin = reader->end = reader->capacity = 0;
}

/* The length of the first line with its end, or 0. */
static size_t line_length(struct reader *reader) {
  const char *from = reader->data + reader->begin;
  size_t size = reader_size(reader);
  const char *end =
      memchr(from + reader->scanned, '\n', size - reader->scanned);
  reader->scanned = end ? 0 : size;
  return end ? (size_t)(end - from) + 1 : 0;
}

bool reader_has(struct reader *reader, enum reader_want want, size_t count) {
  size_t size = reader_size(reader), needed = READER_WINDOW;
  if (reader_over(reader)) return true;
  if (want == WANT_SOME && size > 0) return true;
  if (want == WANT_COUNT && size >= count) return true;
  if (want == WANT_LINE && size > 0 &&
      (line_length(reader) > 0 || size >= READER_LONGEST_LINE))
    return true;
  if (reader->full != READER_WAITS) return false;
  if (want == WANT_COUNT && count > needed) needed = count;
  if (want == WANT_LINE) needed = READER_LONGEST_LINE;
  if (want == WANT_ALL) needed = SIZE_MAX;
  reader->limit = needed;
  reader_resume(reader);
  return false;
}

int reader_take(lua_State *L, struct reader *reader, enum reader_want want,
                size_t count) {
  size_t size = reader_size(reader), taken = size, shown;
  if (want == WANT_COUNT && count < size) taken = count;
  if (want == WANT_LINE && size > 0) {
    reader->scanned = 0;
    size_t length = line_length(reader);
    taken = length > 0 ? length : size;
  }
  shown = taken;
  if (want == WANT_LINE && taken > 0 &&
      reader->data[reader->begin + taken - 1] == '\n')
    shown--;
  if (size == 0 && want != WANT_ALL)
    lua_pushnil(L);
  else
    lua_pushlstring(L, size ? reader->data + reader->begin : "", shown);
  consume(reader, taken);
  if (reader->full == READER_WAITS) reader->limit = READER_WINDOW;
  if (reader->capacity > 4 * READER_WINDOW && reader_size(reader) == 0)
    reader_free(reader); /* what one long read needed is not kept */
  reader_resume(reader);
  return 1;
}

/* True when it is over: all written, or nobody is there to read. */
static bool write_some(struct writer *writer) {
  while (writer->size > 0) {
    ssize_t put = write(writer->fd, writer->data, writer->size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return false;
    if (put < 0) {
      writer_close_fd(writer);
      return true;
    }
    writer->data += put;
    writer->size -= put;
  }
  return true;
}

static void on_writer_closed(uv_handle_t *handle) {
  struct writer *writer = handle->data;
  writer->in_loop = false;
  writer->on_written(writer);
}

void writer_stop(struct writer *writer) {
  writer->size = 0;
  uv_handle_t *handle = (uv_handle_t *)&writer->poll;
  if (writer->in_loop && !uv_is_closing(handle))
    uv_close(handle, on_writer_closed);
}

static void on_writable(uv_poll_t *poll, int status, int events) {
  struct writer *writer = poll->data;
  (void)status, (void)events;
  bool over = write_some(writer);
  if (!over && !uv_is_active((uv_handle_t *)poll))
    uv_poll_start(poll, UV_WRITABLE, on_writable);
  if (over) writer_stop(writer);
}

bool writer_write(struct writer *writer, const char *data, size_t size) {
  if (writer->fd < 0) return true;
  writer->data = data;
  writer->size = size;
  if (write_some(writer)) return true;
  if (uv_poll_init(runtime_loop(), &writer->poll, writer->fd) < 0) {
    writer_close_fd(writer);
    return true;
  }
  writer->poll.data = writer;
  writer->in_loop = true;
  uv_poll_start(&writer->poll, UV_WRITABLE, on_writable);
  return false;
}

/* libuv lets go of the descriptor when its poll is closing. */
void writer_close_fd(struct writer *writer) {
  if (writer->in_loop) writer_stop(writer);
  if (writer->fd >= 0) close(writer->fd);
  writer->fd = -1;
}
