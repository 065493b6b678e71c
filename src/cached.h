/* A small file whose name and content are in the kernel's caches can be read at
 * once, on the loop's thread: the kernel promises not to block, or says that it
 * would. A trip to a thread costs twice what it does. No Lua. */
#ifndef ORCH_CACHED_H
#define ORCH_CACHED_H

#include <stddef.h>

enum cached {
  CACHED_NOT,    /* ask a thread */
  CACHED_READ,   /* `data` and `size` are the content, until the next call */
  CACHED_STREAM, /* a FIFO or a terminal: `fd` is open and does not block */
};

struct cached_file {
  const char *data;
  size_t size;
  int fd;
};

enum cached cached_read(const char *path, struct cached_file *file);

/* The same for up to `length` bytes at `offset` of an ordinary file of any
 * size, which is told in `*total`; never CACHED_STREAM. */
enum cached cached_part(const char *path, size_t offset, size_t length,
                        struct cached_file *file, size_t *total);

#endif
