/* What is in the kernel's cache goes straight into libcurl's buffer, because
 * the kernel promises not to block; a thread fetches the rest. */
#include "http_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "op.h"

enum { AHEAD = 1 << 20 };

bool source_open(struct source *source, size_t count) {
  source->segments = calloc(count ? count : 1, sizeof *source->segments);
  if (source->segments == NULL) return false;
  source->count = count;
  for (size_t i = 0; i < count; i++) source->segments[i].fd = -1;
  return true;
}

void source_shut(struct source *source) {
  for (size_t i = 0; i < source->count; i++) {
    struct segment *segment = &source->segments[i];
    if (segment->fd >= 0) close(segment->fd);
    segment->fd = -1;
  }
}

void source_close(struct source *source) {
  source_shut(source);
  for (size_t i = 0; i < source->count; i++) {
    struct segment *segment = &source->segments[i];
    free(segment->path);
    free(segment->copy);
  }
  free(source->segments);
  free(source->ahead);
  source->segments = NULL;
  source->ahead = NULL;
  source->count = 0;
}

/* ---- on a thread ---- */

static void read_ahead(uv_work_t *req) {
  struct source *source = req->data;
  struct segment *segment = &source->segments[source->current];
  uint64_t left = segment->size - source->at;
  if (segment->fd < 0) {
    segment->fd = open(segment->path, O_RDONLY | O_CLOEXEC);
    if (segment->fd < 0) {
      source->status = -errno;
      return;
    }
    posix_fadvise(segment->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ssize_t got;
  do
    got = pread(segment->fd, source->ahead, left < AHEAD ? left : AHEAD,
                (off_t)(segment->offset + source->at));
  while (got < 0 && errno == EINTR);
  if (got < 0) source->status = -errno;
  source->shrunk = got == 0;
  source->ahead_begin = 0;
  source->ahead_end = got > 0 ? (size_t)got : 0;
}

/* Straight into libcurl's buffer: this thread may wait. */
static enum source_read read_here(struct source *source, char *to, size_t size,
                                  size_t *got) {
  struct segment *segment = &source->segments[source->current];
  ssize_t count;
  if (segment->fd < 0) segment->fd = open(segment->path, O_RDONLY | O_CLOEXEC);
  if (segment->fd < 0) {
    source->status = -errno;
    return SOURCE_FAILED;
  }
  do
    count = pread(segment->fd, to, size, (off_t)(segment->offset + source->at));
  while (count < 0 && errno == EINTR);
  if (count < 0) source->status = -errno;
  source->shrunk = count == 0;
  *got = count > 0 ? (size_t)count : 0;
  return count > 0 ? SOURCE_DATA : SOURCE_FAILED;
}

/* ---- on the loop ---- */

static void on_read_ahead(uv_work_t *req, int status) {
  struct source *source = req->data;
  source->reading = false;
  if (status < 0) source->status = status;
  if (source->paused) source->on_ready(source);
  if (!source->reading) source->on_idle(source);
}

static enum source_read start_reading(struct source *source) {
  if (source->ahead == NULL) source->ahead = malloc(AHEAD);
  source->req.data = source;
  source->status = source->ahead == NULL
                       ? UV_ENOMEM
                       : op_queue_work(&source->req, read_ahead, on_read_ahead);
  if (source->status < 0) return SOURCE_FAILED;
  source->reading = true;
  return SOURCE_WAIT;
}

static enum source_read read_cached(struct source *source, char *to,
                                    size_t size, size_t *got) {
  struct segment *segment = &source->segments[source->current];
  struct iovec into = {.iov_base = to, .iov_len = size};
  if (segment->fd < 0) return start_reading(source); /* opening may block */
  ssize_t count = preadv2(segment->fd, &into, 1,
                          (off_t)(segment->offset + source->at), RWF_NOWAIT);
  if (count < 0) return start_reading(source);
  source->shrunk = count == 0;
  *got = (size_t)count;
  return source->shrunk ? SOURCE_FAILED : SOURCE_DATA;
}

static enum source_read read_file(struct source *source, char *to, size_t size,
                                  size_t *got) {
  struct segment *segment = &source->segments[source->current];
  size_t ahead = source->ahead_end - source->ahead_begin;
  source->failed = segment->path;
  if (source->reading) return SOURCE_WAIT;
  if (source->status < 0 || source->shrunk) return SOURCE_FAILED;
  if (source->blocks) return read_here(source, to, size, got);
  if (ahead == 0) return read_cached(source, to, size, got);
  *got = size < ahead ? size : ahead;
  memcpy(to, source->ahead + source->ahead_begin, *got);
  source->ahead_begin += *got;
  return SOURCE_DATA;
}

static enum source_read read_chunk(struct source *source, char *to, size_t size,
                                   size_t *got) {
  if (source->chunk == NULL)
    return source->complete ? SOURCE_DATA : SOURCE_WAIT;
  *got = size < source->chunk_left ? size : source->chunk_left;
  memcpy(to, source->chunk, *got);
  source->chunk += *got;
  source->chunk_left -= *got;
  if (source->chunk_left == 0) {
    source->chunk = NULL;
    source->on_consumed(source);
  }
  return SOURCE_DATA;
}

static enum source_read read_segment(struct source *source, char *to,
                                     size_t size, size_t *got) {
  struct segment *segment = &source->segments[source->current];
  uint64_t left = segment->size - source->at;
  enum source_read result = SOURCE_DATA;
  if (left < size) size = (size_t)left;
  if (segment->data) {
    memcpy(to, segment->data + source->at, size);
    *got = size;
  } else {
    result = read_file(source, to, size, got);
  }
  source->at += *got;
  return result;
}

enum source_read source_read(struct source *source, char *to, size_t size,
                             size_t *got) {
  enum source_read result = SOURCE_DATA;
  *got = 0;
  source->paused = false;
  if (source->by_chunks) {
    result = read_chunk(source, to, size, got);
  } else {
    while (source->current < source->count &&
           source->at == source->segments[source->current].size) {
      source->current++;
      source->at = 0;
    }
    if (source->current < source->count)
      result = read_segment(source, to, size, got);
  }
  source->paused = result == SOURCE_WAIT;
  return result;
}

void source_seek(struct source *source, uint64_t offset) {
  source->current = 0;
  source->ahead_begin = source->ahead_end = 0;
  while (source->current < source->count &&
         offset > source->segments[source->current].size)
    offset -= source->segments[source->current++].size;
  source->at = offset;
}
