/* The body of an answer on its way into a file: one buffer fills while a thread
 * writes the other. No Lua. */
#ifndef ORCH_HTTP_SINK_H
#define ORCH_HTTP_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>
#include "http_bytes.h"

struct sink {
  char *path;   /* its own; made when it is not there */
  int fd;       /* -1: not open */
  uint64_t at;  /* where the next byte goes in the file */
  bool sync;    /* on the disk before it is finished */
  int status;   /* a negative libuv code: it could not be written */
  bool quick;   /* writing it has not kept us waiting yet */
  bool writing; /* a thread has `out` */
  bool last;    /* ... for the last time */
  bool finished;
  struct bytes in, out;
  uv_work_t req;
  void *owner;
  void (*on_written)(struct sink *sink);
};

/* Prepares a zeroed one; false: no memory. */
bool sink_open(struct sink *sink, const char *path, uint64_t offset, bool sync);

enum sink_take { SINK_TAKEN, SINK_FULL, SINK_FAILED };

/* All of it or nothing; after SINK_FULL `on_written` follows. */
enum sink_take sink_take(struct sink *sink, const char *data, size_t size);

/* No more will come: writes what is left. Call it again whenever `on_written`
 * comes, until it is `finished`. */
void sink_finish(struct sink *sink);

void sink_close(struct sink *sink); /* no thread may be `writing` */

#endif
