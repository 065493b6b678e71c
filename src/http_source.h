/* The body of a request as libcurl reads it: a list of segments in memory or in
 * files, or chunks that a task hands over one by one. No Lua. */
#ifndef ORCH_HTTP_SOURCE_H
#define ORCH_HTTP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* Either `data`, which its owner keeps alive or which is `copy`, or `path`. */
struct segment {
  const char *data;
  char *copy;
  char *path; /* the source's own */
  int fd;     /* -1: not open */
  uint64_t offset, size;
};

struct source {
  struct segment *segments;
  size_t count;
  uint64_t total;

  /* where it is */
  size_t current;
  uint64_t at; /* in the current segment */
  bool paused; /* libcurl has been told to wait */
  bool blocks; /* it is read on a thread, which may wait for a disk */

  /* file content that was not in the kernel's cache, read by a thread */
  uv_work_t req;
  bool reading;
  char *ahead;
  size_t ahead_begin, ahead_end;
  int status;         /* a negative libuv code: `failed` could not be read */
  const char *failed; /* path */
  bool shrunk;        /* it ended before its size */

  /* chunks */
  bool by_chunks;
  const char *chunk; /* NULL: none is waiting */
  size_t chunk_left;
  bool complete;

  void *owner;
  void (*on_ready)(struct source *source);    /* may be read on */
  void (*on_consumed)(struct source *source); /* the chunk is sent */
  void (*on_idle)(struct source *source);     /* no thread works any more */
};

/* Room for `count` segments, which the caller fills; false: no memory. */
bool source_open(struct source *source, size_t count);
/* Closes its files: nothing more will be read. No thread may be `reading`. */
void source_shut(struct source *source);
/* Frees what it has; no thread may be `reading`. */
void source_close(struct source *source);

enum source_read { SOURCE_DATA, SOURCE_WAIT, SOURCE_FAILED };

/* Up to `size` bytes into `to`; SOURCE_DATA with *got == 0 is the end. */
enum source_read source_read(struct source *source, char *to, size_t size,
                             size_t *got);

/* From `offset` on, again; not by chunks. */
void source_seek(struct source *source, uint64_t offset);

#endif
