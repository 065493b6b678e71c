/* Reading from and writing to a descriptor without blocking: a buffer with a
 * rule for when it is full, and its uv_poll. Used for the pipes of a command
 * and for our own stdin. No Lua except for handing out bytes. */
#ifndef ORCH_PIPE_H
#define ORCH_PIPE_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum {
  READER_WINDOW = 256 << 10,     /* read ahead of a consumer that lags */
  READER_LONGEST_LINE = 16 << 20 /* a longer one comes in pieces */
};

/* What happens once `limit` bytes are buffered. */
enum reader_full {
  READER_FAILS, /* `overflow` is set and the rest thrown away */
  READER_WAITS, /* nothing is read until bytes are taken: back-pressure */
  READER_DROPS, /* the oldest bytes go */
};

enum reader_want { WANT_SOME, WANT_LINE, WANT_COUNT, WANT_ALL };

struct reader {
  uv_poll_t poll;
  int fd; /* owned; -1: closed */
  char *data;
  size_t begin, end, capacity;
  size_t limit;
  enum reader_full full;
  bool in_loop; /* `poll` is open */
  bool polling;
  bool eof, overflow;
  int status;          /* a failed read; also an end */
  uint64_t arrived_ns; /* when the last bytes came (clock_now) */
  size_t scanned;      /* WANT_LINE: bytes known to hold no line end */
  void *owner;
  void (*on_change)(struct reader *reader); /* bytes, the end or overflow */
  void (*on_closed)(struct reader *reader); /* `poll` has left the loop */
};

/* Begins to read `fd`, which becomes non-blocking. 0 or a libuv code. */
int reader_start(struct reader *reader);
/* Looks again whether to read: `full`, `limit` or the content has changed. */
void reader_resume(struct reader *reader);
/* Leaves the loop; the buffer and `fd` stay. */
void reader_stop(struct reader *reader);
/* One read, which blocks where `fd` does: for a thread of its own. */
void reader_pull(struct reader *reader);
/* Reads what is there now, up to a full pipe, whatever the limit. */
void reader_drain(struct reader *reader);
void reader_close_fd(struct reader *reader);
void reader_free(struct reader *reader);

static inline size_t reader_size(const struct reader *reader) {
  return reader->end - reader->begin;
}
static inline bool reader_over(const struct reader *reader) {
  return reader->eof || reader->status < 0;
}

/* True when this can be taken now; lifts the limit while it is waited for. */
bool reader_has(struct reader *reader, enum reader_want want, size_t count);
/* Pushes it (a line without its end), or nil at the end, and reads on. */
int reader_take(lua_State *L, struct reader *reader, enum reader_want want,
                size_t count);

struct writer {
  uv_poll_t poll;
  int fd; /* owned and non-blocking; -1: closed, by us or the reader */
  const char *data; /* not owned; must live until `on_written` */
  size_t size;      /* what is left of it */
  bool in_loop;
  void *owner;
  void (*on_written)(struct writer *writer); /* all, or the reader is gone */
};

/* Writes as fast as the other side reads; one at a time. True: it is over
 * already and on_written will not be called. */
bool writer_write(struct writer *writer, const char *data, size_t size);
/* Forgets what is not written; on_written follows if it was waited for. */
void writer_stop(struct writer *writer);
void writer_close_fd(struct writer *writer);

#endif
