/* A job is an op whose memory is an arena's; what it has made is kept. */
#include "image_job.h"

#include <lauxlib.h>
#include "error.h"

struct image *image_check(lua_State *L, int index) {
  struct image *image = luaL_checkudata(L, index, IMAGE_PIXELS);
  if (image->closed)
    error_raise(L, "closed", "the image has been closed already");
  return image;
}

static void free_unused(struct image *image) {
  if (!image->closed || image->users > 0) return;
  arena_drop(image->pixels.data);
  image->pixels.data = NULL;
}

int image_close(lua_State *L) {
  struct image *image = luaL_checkudata(L, 1, IMAGE_PIXELS);
  image->closed = true;
  free_unused(image);
  return 0;
}

static struct image *new_image(lua_State *L) {
  struct image *image = lua_newuserdatauv(L, sizeof *image, 0);
  *image = (struct image){0};
  luaL_setmetatable(L, IMAGE_PIXELS);
  return image;
}

int image_push_made(lua_State *L, struct job *job) {
  struct image *image = new_image(L);
  image->pixels = job->made;
  job->made.data = NULL;
  return 1;
}

static void run_step(void *data) {
  struct job *job = data;
  job->step(job);
  arena_keep(job->made.data);
  arena_keep(job->text.data);
}

void image_job_run(struct op_work *work) {
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

static void push_broken(lua_State *L, struct job *job) {
  if (!job->name) {
    error_push(L, "format", "the image %s", job->arena.text);
    return;
  }
  error_push(L, "format", "'%s' %s", job->name, job->arena.text);
  lua_pushstring(L, job->name);
  lua_setfield(L, -2, "path");
  lua_pushboolean(L, job->arena.foreign);
  lua_setfield(L, -2, "unsupported");
}

static int finish(lua_State *L, struct op *op) {
  struct job *job = (struct job *)op;
  fault_check(L, &job->fault, job->path ? job->path : "the image");
  if (job->end == ARENA_BROKEN) {
    push_broken(L, job);
    drop(op);
    return error_throw(L);
  }
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

struct job *image_job_new(lua_State *L, void (*step)(struct job *),
                          int (*push)(lua_State *, struct job *)) {
  struct job *job = op_new(L, &job_kind);
  job->step = step;
  job->push = push;
  return job;
}

void image_job_use(struct job *job, struct image *one, struct image *two) {
  job->one = one;
  job->two = two;
  if (one) one->users++;
  if (two) two->users++;
}

int image_job_start(lua_State *L, struct job *job) {
  op_work_start(&job->work, image_job_run);
  return op_await(L, &job->work.op);
}
