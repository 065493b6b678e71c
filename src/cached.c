/* See cached.h: openat2(RESOLVE_CACHED) for the name, preadv2(RWF_NOWAIT) for
 * the content. Older kernels and some file systems know neither. The calls
 * go straight to the kernel: as cancellation points, glibc's own cost more. */
#include "cached.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SMALL = 64 << 10 };

/* Cleared when the system cannot do it; the loop's thread only. */
static bool possible = true;

static int open_cached(const char *path) {
  struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                         .resolve = RESOLVE_CACHED};
  int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
    possible = false;
  return fd;
}

/* `size` bytes are there, and `more` are asked for. */
static enum cached read_cached(int fd, size_t offset, size_t size, size_t more,
                               struct cached_file *file) {
  static char content[SMALL + 1]; /* the loop's thread only */
  struct iovec into = {.iov_base = content, .iov_len = size + more};
  ssize_t got = syscall(SYS_preadv2, fd, &into, 1, offset, 0, RWF_NOWAIT);
  if (got == (ssize_t)size) {
    file->data = content;
    file->size = size;
    return CACHED_READ;
  }
  if (got < 0 && errno == EOPNOTSUPP) possible = false;
  return CACHED_NOT;
}

enum cached cached_read(const char *path, struct cached_file *file) {
  struct stat info;
  int fd = possible ? open_cached(path) : -1;
  if (fd < 0) return CACHED_NOT;
  enum cached result = CACHED_NOT;
  if (fstat(fd, &info) != 0) {
    /* a thread will say why */
  } else if (S_ISREG(info.st_mode)) {
    /* One byte more: a file that has grown is not read in part. */
    if (info.st_size > 0 && info.st_size <= SMALL)
      result = read_cached(fd, 0, (size_t)info.st_size, 1, file);
  } else if (!S_ISDIR(info.st_mode)) {
    file->fd = fd; /* closing it would end a writer that waits for a reader */
    return CACHED_STREAM;
  }
  syscall(SYS_close, fd);
  return result;
}

enum cached cached_part(const char *path, size_t offset, size_t length,
                        struct cached_file *file, size_t *total) {
  struct stat info;
  if (length > SMALL) return CACHED_NOT;
  int fd = possible ? open_cached(path) : -1;
  if (fd < 0) return CACHED_NOT;
  enum cached result = CACHED_NOT;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
      (size_t)info.st_size > offset) {
    size_t left = (size_t)info.st_size - offset;
    *total = (size_t)info.st_size;
    result = read_cached(fd, offset, left < length ? left : length, 0, file);
  }
  syscall(SYS_close, fd);
  return result;
}
