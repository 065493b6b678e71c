/* orch.core.image, a plug-in: pixels as a Lua value, and what is done with them
 * on the pool. Its memory is not the collector's: facades close what they open.
 * A cancellation is heard between the rows of our own loops and whenever stb
 * asks for memory. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "error.h"
#include "fault.h"
#include "image_arena.h"
#include "image_codec.h"
#include "image_pixels.h"
#include "op.h"

#define PIXELS "orch.pixels"
#define SLICE (4 << 20) /* bytes between two looks at a cancellation */

int luaopen_orch_core_image(lua_State *L);

struct image {
  struct pixels pixels;
  int users;   /* operations at work on it */
  bool closed; /* freed once there are none */
};

/* One trip to the pool. */
struct job {
  struct op_work work;
  struct arena arena;
  enum arena_end end;
  struct fault fault;
  void (*step)(struct job *job); /* inside of arena_run */
  int (*push)(lua_State *L, struct job *job);
  const char *path; /* an argument */
  const char *name; /* for messages: an argument; NULL: it has none */
  const unsigned char *bytes;
  size_t size, limit; /* of the bytes; of the pixels */
  struct image *one, *two;
  int numbers[4];
  double tolerance, gain;
  struct image_scale scale;
  struct pixels made; /* kept from the arena */
  const char *format;
  struct arena_bytes text;
  struct pixels_range ranges[4];
  struct pixels_difference difference;
};

/* ---- the value ---- */

static struct image *check_image(lua_State *L, int index) {
  struct image *image = luaL_checkudata(L, index, PIXELS);
  if (image->closed)
    error_raise(L, "closed", "the image has been closed already");
  return image;
}

static void free_unused(struct image *image) {
  if (!image->closed || image->users > 0) return;
  arena_drop(image->pixels.data);
  image->pixels.data = NULL;
}

static int close_image(lua_State *L) {
  struct image *image = luaL_checkudata(L, 1, PIXELS);
  image->closed = true;
  free_unused(image);
  return 0;
}

static struct image *new_image(lua_State *L) {
  struct image *image = lua_newuserdatauv(L, sizeof *image, 0);
  *image = (struct image){0};
  luaL_setmetatable(L, PIXELS);
  return image;
}

static int push_made(lua_State *L, struct job *job) {
  struct image *image = new_image(L);
  image->pixels = job->made;
  job->made.data = NULL;
  return 1;
}

/* ---- an operation ---- */

static void run_step(void *data) {
  struct job *job = data;
  job->step(job);
  arena_keep(job->made.data);
  arena_keep(job->text.data);
}

static void run(struct op_work *work) {
  struct job *job = (struct job *)work;
  job->arena.work = work;
  job->end = arena_run(&job->arena, run_step, job);
  if (job->end == ARENA_DONE) return;
  job->made.data = NULL; /* freed with the arena */
  job->text.data = NULL;
}

static void let_go(struct image *image) {
  if (!image) return;
  image->users--;
  free_unused(image);
}

static void drop(struct op *op) {
  struct job *job = (struct job *)op;
  let_go(job->one);
  let_go(job->two);
  job->one = job->two = NULL;
  arena_drop(job->made.data);
  arena_drop(job->text.data);
  job->made.data = job->text.data = NULL;
  fault_clear(&job->fault);
}

static int raise_broken(lua_State *L, struct job *job) {
  if (!job->name) {
    error_push(L, "format", "the image %s", job->arena.text);
    return error_throw(L);
  }
  error_push(L, "format", "'%s' %s", job->name, job->arena.text);
  lua_pushstring(L, job->name);
  lua_setfield(L, -2, "path");
  lua_pushboolean(L, job->arena.foreign);
  lua_setfield(L, -2, "unsupported");
  return error_throw(L);
}

static int finish(lua_State *L, struct op *op) {
  struct job *job = (struct job *)op;
  fault_check(L, &job->fault, job->path ? job->path : "the image");
  if (job->end == ARENA_BROKEN) return raise_broken(L, job);
  if (job->end != ARENA_DONE)
    return error_os(L, "work on an image", NULL, UV_ENOMEM);
  int n = job->push(L, job);
  drop(op); /* the collector may be late */
  return n;
}

static const struct op_kind job_kind = {
    .name = "image",
    .size = sizeof(struct job),
    .result = finish,
    .cancel = op_work_cancel,
    .drop = drop,
};

static struct job *new_job(lua_State *L, void (*step)(struct job *),
                           int (*push)(lua_State *, struct job *)) {
  struct job *job = op_new(L, &job_kind);
  job->step = step;
  job->push = push;
  return job;
}

static void use(struct job *job, struct image *one, struct image *two) {
  job->one = one;
  job->two = two;
  if (one) one->users++;
  if (two) two->users++;
}

static int start(lua_State *L, struct job *job) {
  op_work_start(&job->work, run);
  return op_await(L, &job->work.op);
}

/* ---- reading ---- */

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
  run(work);
  if (fd >= 0) close(fd);
}

static int push_decoded(lua_State *L, struct job *job) {
  push_made(L, job);
  lua_pushstring(L, job->format);
  return 2;
}

/* load(path, limit, name) -> Pixels, format; `limit` is width * height *
 * channels, `name` is for messages */
static int load(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  size_t limit = (size_t)luaL_checkinteger(L, 2);
  const char *name = luaL_checkstring(L, 3);
  struct job *job = new_job(L, step_load, push_decoded);
  job->path = path;
  job->name = name;
  job->limit = limit;
  op_work_start(&job->work, run_load);
  return op_await(L, &job->work.op);
}

/* decode(bytes, limit) -> Pixels, format */
static int decode(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  size_t limit = (size_t)luaL_checkinteger(L, 2);
  struct job *job = new_job(L, step_decode, push_decoded);
  job->bytes = (const unsigned char *)bytes;
  job->size = size;
  job->limit = limit;
  return start(L, job);
}

static void step_copy(struct job *job) {
  struct pixels made = job->made;
  pixels_make(&made);
  memcpy(made.data, job->bytes, job->size);
  job->made = made;
}

/* make(width, height, channels, bits, bytes) -> Pixels */
static int make(lua_State *L) {
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
  struct job *job = new_job(L, step_copy, push_made);
  job->made = made;
  job->bytes = (const unsigned char *)bytes;
  job->size = size;
  return start(L, job);
}

/* ---- working ---- */

static void step_measure(struct job *job) {
  pixels_measure(&job->one->pixels, job->limit, job->ranges);
}

static int push_ranges(lua_State *L, struct job *job) {
  int channels = job->numbers[0];
  lua_createtable(L, channels, 0);
  for (int c = 0; c < channels; c++) {
    const struct pixels_range *range = &job->ranges[c];
    lua_createtable(L, 0, 4);
    lua_pushnumber(L, range->min);
    lua_setfield(L, -2, "min");
    lua_pushnumber(L, range->max);
    lua_setfield(L, -2, "max");
    lua_pushnumber(L, range->mean);
    lua_setfield(L, -2, "mean");
    lua_pushnumber(L, range->deviation);
    lua_setfield(L, -2, "stddev");
    lua_rawseti(L, -2, c + 1);
  }
  return 1;
}

/* pixels:measure(sample) -> list of {min, max, mean, stddev}; 0: all pixels */
static int measure(lua_State *L) {
  struct image *image = check_image(L, 1);
  size_t sample = (size_t)luaL_checkinteger(L, 2);
  struct job *job = new_job(L, step_measure, push_ranges);
  job->limit = sample;
  job->numbers[0] = image->pixels.channels;
  use(job, image, NULL);
  return start(L, job);
}

static void step_resize(struct job *job) {
  image_resize(&job->one->pixels, &job->scale, &job->made);
  if (job->numbers[0]) pixels_normalize(&job->made);
}

/* pixels:resize(width, height, filter, edge, srgb, weight, normal) -> Pixels */
static int resize(lua_State *L) {
  struct image *image = check_image(L, 1);
  struct image_scale scale = {
      (int)luaL_checkinteger(L, 2), (int)luaL_checkinteger(L, 3),
      (int)luaL_checkinteger(L, 4), (int)luaL_checkinteger(L, 5),
      lua_toboolean(L, 6),          lua_toboolean(L, 7)};
  int normal = lua_toboolean(L, 8) && image->pixels.channels >= 3;
  struct job *job = new_job(L, step_resize, push_made);
  job->scale = scale;
  job->numbers[0] = normal;
  use(job, image, NULL);
  return start(L, job);
}

static void step_channel(struct job *job) {
  pixels_channel(&job->one->pixels, job->numbers[0], &job->made);
}

/* pixels:channel(index from 0) -> Pixels of one channel */
static int channel(lua_State *L) {
  struct image *image = check_image(L, 1);
  lua_Integer index = luaL_checkinteger(L, 2);
  luaL_argcheck(L, index >= 0 && index < image->pixels.channels, 2,
                "no such channel");
  struct job *job = new_job(L, step_channel, push_made);
  job->numbers[0] = (int)index;
  use(job, image, NULL);
  return start(L, job);
}

static void step_compare(struct job *job) {
  pixels_compare(&job->one->pixels, &job->two->pixels, job->tolerance,
                 job->gain, &job->made, &job->difference);
}

static int push_difference(lua_State *L, struct job *job) {
  push_made(L, job);
  lua_pushnumber(L, job->difference.max);
  lua_pushnumber(L, job->difference.mean);
  lua_pushinteger(L, (lua_Integer)job->difference.count);
  return 4;
}

/* pixels:compare(other, tolerance, gain) -> Pixels of the differences, the
 * largest and the mean one, how many pixels differ; both have one size */
static int compare(lua_State *L) {
  struct image *one = check_image(L, 1), *two = check_image(L, 2);
  double tolerance = luaL_checknumber(L, 3), gain = luaL_checknumber(L, 4);
  luaL_argcheck(L,
                one->pixels.width == two->pixels.width &&
                    one->pixels.height == two->pixels.height,
                2, "another size");
  struct job *job = new_job(L, step_compare, push_difference);
  job->tolerance = tolerance;
  job->gain = gain;
  use(job, one, two);
  return start(L, job);
}

static void step_encode(struct job *job) {
  image_encode(&job->one->pixels, (enum image_format)job->numbers[0],
               job->numbers[1], job->numbers[2], &job->text);
}

static int push_text(lua_State *L, struct job *job) {
  lua_pushlstring(L, (const char *)job->text.data, job->text.size);
  return 1;
}

/* pixels:encode(format, quality, level) -> the bytes of a file */
static int encode(lua_State *L) {
  static const char *const names[] = {"png", "jpg", "bmp", "tga", "hdr", NULL};
  struct image *image = check_image(L, 1);
  int format = luaL_checkoption(L, 2, NULL, names);
  int quality = (int)luaL_checkinteger(L, 3);
  int level = (int)luaL_checkinteger(L, 4);
  struct job *job = new_job(L, step_encode, push_text);
  job->numbers[0] = format;
  job->numbers[1] = quality;
  job->numbers[2] = level;
  use(job, image, NULL);
  return start(L, job);
}

/* pixels:size() -> width, height, channels, bits */
static int size(lua_State *L) {
  const struct pixels *pixels = &check_image(L, 1)->pixels;
  lua_pushinteger(L, pixels->width);
  lua_pushinteger(L, pixels->height);
  lua_pushinteger(L, pixels->channels);
  lua_pushinteger(L, pixels->bits);
  return 4;
}

/* pixels:bytes() -> the values, in the machine's order */
static int bytes(lua_State *L) {
  const struct pixels *pixels = &check_image(L, 1)->pixels;
  lua_pushlstring(L, pixels->data, pixels_bytes(pixels));
  return 1;
}

static const luaL_Reg methods[] = {
    {"measure", measure},  {"resize", resize},     {"channel", channel},
    {"compare", compare},  {"encode", encode},     {"size", size},
    {"bytes", bytes},      {"close", close_image}, {"__close", close_image},
    {"__gc", close_image}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"load", load},
    {"decode", decode},
    {"make", make},
    {NULL, NULL},
};

int luaopen_orch_core_image(lua_State *L) {
  luaL_newmetatable(L, PIXELS);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
