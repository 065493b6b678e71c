/* Pixels from files, from bytes in memory, and from nothing but their values.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "error.h"
#include "image_job.h"

#define SLICE (4 << 20) /* bytes between two looks at a cancellation */

static void read_slices(struct job *job, int fd, unsigned char *to) {
  size_t got = 0;
  while (got < job->size) {
    arena_check();
    size_t left = job->size - got;
    ssize_t n = read(fd, to + got, left < SLICE ? left : SLICE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fault_set(&job->fault, errno, "read", job->path);
    if (n <= 0) break;
    got += (size_t)n;
  }
  job->size = got;
}

static void step_decode(struct job *job) {
  struct arena_bytes file = {0};
  arena_add(&file, job->bytes, job->size);
  job->format = image_decode(&file, job->limit, &job->made);
}

static void step_load(struct job *job) {
  if (job->fault.error) return;
  struct arena_bytes file = {arena_alloc(job->size + 1), 0, job->size + 1};
  read_slices(job, job->numbers[0], file.data);
  file.size = job->size;
  if (job->fault.error) return;
  job->format = image_decode(&file, job->limit, &job->made);
}

/* Without O_NONBLOCK a FIFO would keep the thread. */
static void run_load(struct op_work *work) {
  struct job *job = (struct job *)work;
  struct stat info;
  int fd = open(job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 || fstat(fd, &info) != 0)
    fault_set(&job->fault, errno, "read", job->path);
  else if (!S_ISREG(info.st_mode))
    fault_say(&job->fault, S_ISDIR(info.st_mode) ? EISDIR : EINVAL, "read",
              job->path, "it is no ordinary file");
  else
    job->size = (size_t)info.st_size;
  job->numbers[0] = fd;
  if (job->size > INT_MAX / 2)
    fault_say(&job->fault, EFBIG, "read", job->path,
              "an image of more than 1 GiB is not read");
  image_job_run(work);
  if (fd >= 0) close(fd);
}

static int push_decoded(lua_State *L, struct job *job) {
  image_push_made(L, job);
  lua_pushstring(L, job->format);
  return 2;
}

/* load(path, limit, name) -> Pixels, format; `limit` is width * height *
 * channels, `name` is for messages */
int image_load(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  size_t limit = (size_t)luaL_checkinteger(L, 2);
  const char *name = luaL_checkstring(L, 3);
  struct job *job = image_job_new(L, step_load, push_decoded);
  job->path = path;
  job->name = name;
  job->limit = limit;
  op_work_start(&job->work, run_load);
  return op_await(L, &job->work.op);
}

/* decode(bytes, limit) -> Pixels, format */
int image_decode_bytes(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  size_t limit = (size_t)luaL_checkinteger(L, 2);
  struct job *job = image_job_new(L, step_decode, push_decoded);
  job->bytes = (const unsigned char *)bytes;
  job->size = size;
  job->limit = limit;
  return image_job_start(L, job);
}

static void step_copy(struct job *job) {
  struct pixels made = job->made;
  pixels_make(&made);
  memcpy(made.data, job->bytes, job->size);
  job->made = made;
}

/* make(width, height, channels, bits, bytes) -> Pixels */
int image_make(lua_State *L) {
  struct pixels made = {
      (int)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2),
      (int)luaL_checkinteger(L, 3), (int)luaL_checkinteger(L, 4), NULL};
  size_t size;
  const char *bytes = luaL_checklstring(L, 5, &size);
  if (size != pixels_bytes(&made))
    return error_usage(L,
                       "image: %d x %d pixels of %d channels with %d bits "
                       "are not %I bytes",
                       made.width, made.height, made.channels, made.bits,
                       (LUAI_UACINT)size);
  struct job *job = image_job_new(L, step_copy, image_push_made);
  job->made = made;
  job->bytes = (const unsigned char *)bytes;
  job->size = size;
  return image_job_start(L, job);
}
