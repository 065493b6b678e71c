/* The Pixels of a script, and one trip to the pool with some of them. Memory of
 * pixels is not the collector's: facades close what they open. */
#ifndef ORCH_IMAGE_JOB_H
#define ORCH_IMAGE_JOB_H

#include <lua.h>
#include "fault.h"
#include "image_arena.h"
#include "image_codec.h"
#include "image_pixels.h"
#include "op.h"

#define IMAGE_PIXELS "orch.pixels" /* the metatable */

struct image {
  struct pixels pixels;
  int users;   /* operations at work on it */
  bool closed; /* freed once there are none */
};

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

/* The Pixels at the index; raises when they are closed. */
struct image *image_check(lua_State *L, int index);

/* close(), and what the collector calls. */
int image_close(lua_State *L);

/* Pushes what the job has made, as Pixels. */
int image_push_made(lua_State *L, struct job *job);

/* A job that will do `step` on the pool and `push` its results; what it uses,
 * so that closing it waits; and its start, the last thing that is done. */
struct job *image_job_new(lua_State *L, void (*step)(struct job *),
                          int (*push)(lua_State *, struct job *));
void image_job_use(struct job *job, struct image *one, struct image *two);
int image_job_start(lua_State *L, struct job *job);

/* What the pool runs: the step, inside of arena_run. */
void image_job_run(struct op_work *work);

/* image_load.c, for Lua. */
int image_load(lua_State *L);
int image_decode_bytes(lua_State *L);
int image_make(lua_State *L);

#endif
