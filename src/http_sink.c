/* The file is opened, synced and closed on threads. Writing into the kernel's
 * cache is a copy and done at once, hot from libcurl's buffer; as soon as the
 * kernel has kept us waiting for a disk, and for file systems that are not
 * local, a thread writes. */
#include "http_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "op.h"

enum { FULL = 1 << 20, SLOW_NS = 10000000 };

bool sink_open(struct sink *sink, const char *path, uint64_t offset,
               bool sync) {
  sink->fd = -1;
  sink->at = offset;
  sink->sync = sync;
  sink->path = strdup(path);
  return sink->path != NULL;
}

/* ---- on a thread ---- */

static bool is_local(int fd) {
  struct statfs info;
  if (fstatfs(fd, &info) != 0) return false;
  switch ((unsigned long)info.f_type) {
  case EXT4_SUPER_MAGIC: /* ext2 and ext3, too */
  case XFS_SUPER_MAGIC:
  case BTRFS_SUPER_MAGIC:
  case F2FS_SUPER_MAGIC:
  case OVERLAYFS_SUPER_MAGIC:
  case TMPFS_MAGIC:
    return true;
  default:
    return false;
  }
}

static int write_all(struct sink *sink) {
  size_t done = 0;
  while (done < sink->out.length) {
    ssize_t put = pwrite(sink->fd, sink->out.data + done,
                         sink->out.length - done, (off_t)(sink->at + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? -errno : UV_EIO;
    done += (size_t)put;
  }
  return 0;
}

static void open_file(struct sink *sink) {
  sink->fd = open(sink->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (sink->fd < 0 || ftruncate(sink->fd, (off_t)sink->at) != 0)
    sink->status = -errno;
  else
    sink->quick = is_local(sink->fd);
}

static void write_out(uv_work_t *req) {
  struct sink *sink = req->data;
  if (sink->fd < 0 && sink->status == 0) open_file(sink);
  if (sink->status == 0) sink->status = write_all(sink);
  if (!sink->last || sink->fd < 0) return;
  if (sink->sync && sink->status == 0 && fsync(sink->fd) != 0)
    sink->status = -errno;
  if (close(sink->fd) != 0 && sink->status == 0) sink->status = -errno;
  sink->fd = -1;
}

/* ---- on the loop ---- */

static void on_write_out(uv_work_t *req, int status) {
  struct sink *sink = req->data;
  sink->writing = false;
  sink->finished = sink->last;
  if (status < 0) sink->status = status;
  if (sink->status == 0) sink->at += sink->out.length;
  sink->out.length = 0;
  sink->on_written(sink);
}

static void start_writing(struct sink *sink) {
  struct bytes full = sink->in;
  sink->in = sink->out;
  sink->out = full;
  sink->req.data = sink;
  int status = op_queue_work(&sink->req, write_out, on_write_out);
  sink->writing = status == 0;
  if (status == 0) return;
  sink->status = status;
  sink->finished = sink->last;
}

/* What is not written is written again by a thread, which also says why not. */
static bool put_at_once(struct sink *sink, const char *data, size_t size) {
  if (!sink->quick || sink->writing) return false;
  uint64_t start_ns = uv_hrtime();
  ssize_t put = pwrite(sink->fd, data, size, (off_t)sink->at);
  sink->quick = put == (ssize_t)size && uv_hrtime() - start_ns < SLOW_NS;
  if (put != (ssize_t)size) return false;
  sink->at += size;
  return true;
}

static bool write_at_once(struct sink *sink, const char *data, size_t size) {
  if (sink->in.length > 0) {
    if (!put_at_once(sink, sink->in.data, sink->in.length)) return false;
    sink->in.length = 0;
  }
  return put_at_once(sink, data, size);
}

enum sink_take sink_take(struct sink *sink, const char *data, size_t size) {
  if (sink->status < 0) return SINK_FAILED;
  if (write_at_once(sink, data, size)) return SINK_TAKEN;
  if (sink->in.length + size > FULL && sink->in.length > 0) {
    if (sink->writing) return SINK_FULL;
    start_writing(sink);
  }
  if (!bytes_add(&sink->in, data, size)) {
    sink->status = UV_ENOMEM;
    return SINK_FAILED;
  }
  return SINK_TAKEN;
}

void sink_finish(struct sink *sink) {
  if (sink->writing || sink->finished) return;
  sink->last = true;
  start_writing(sink);
}

void sink_close(struct sink *sink) {
  bytes_free(&sink->in);
  bytes_free(&sink->out);
  if (sink->path && sink->fd >= 0) close(sink->fd);
  free(sink->path);
  sink->path = NULL;
}
