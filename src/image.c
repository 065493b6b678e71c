/* orch.core.image, a plug-in: pixels as a Lua value, and what is done with them
 * on the pool. A cancellation is heard between the rows of our own loops and
 * whenever stb asks for memory. */
#include <lauxlib.h>
#include "image_job.h"

int luaopen_orch_core_image(lua_State *L);

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
  struct image *image = image_check(L, 1);
  size_t sample = (size_t)luaL_checkinteger(L, 2);
  struct job *job = image_job_new(L, step_measure, push_ranges);
  job->limit = sample;
  job->numbers[0] = image->pixels.channels;
  image_job_use(job, image, NULL);
  return image_job_start(L, job);
}

static void step_resize(struct job *job) {
  image_resize(&job->one->pixels, &job->scale, &job->made);
  if (job->numbers[0]) pixels_normalize(&job->made);
}

/* pixels:resize(width, height, filter, edge, srgb, weight, normal) -> Pixels */
static int resize(lua_State *L) {
  struct image *image = image_check(L, 1);
  struct image_scale scale = {
      (int)luaL_checkinteger(L, 2), (int)luaL_checkinteger(L, 3),
      (int)luaL_checkinteger(L, 4), (int)luaL_checkinteger(L, 5),
      lua_toboolean(L, 6),          lua_toboolean(L, 7)};
  int normal = lua_toboolean(L, 8) && image->pixels.channels >= 3;
  struct job *job = image_job_new(L, step_resize, image_push_made);
  job->scale = scale;
  job->numbers[0] = normal;
  image_job_use(job, image, NULL);
  return image_job_start(L, job);
}

static void step_channel(struct job *job) {
  pixels_channel(&job->one->pixels, job->numbers[0], &job->made);
}

/* pixels:channel(index from 0) -> Pixels of one channel */
static int channel(lua_State *L) {
  struct image *image = image_check(L, 1);
  lua_Integer index = luaL_checkinteger(L, 2);
  luaL_argcheck(L, index >= 0 && index < image->pixels.channels, 2,
                "no such channel");
  struct job *job = image_job_new(L, step_channel, image_push_made);
  job->numbers[0] = (int)index;
  image_job_use(job, image, NULL);
  return image_job_start(L, job);
}

static void step_compare(struct job *job) {
  pixels_compare(&job->one->pixels, &job->two->pixels, job->tolerance,
                 job->gain, &job->made, &job->difference);
}

static int push_difference(lua_State *L, struct job *job) {
  image_push_made(L, job);
  lua_pushnumber(L, job->difference.max);
  lua_pushnumber(L, job->difference.mean);
  lua_pushinteger(L, (lua_Integer)job->difference.count);
  return 4;
}

/* pixels:compare(other, tolerance, gain) -> Pixels of the differences, the
 * largest and the mean one, how many pixels differ; both have one size */
static int compare(lua_State *L) {
  struct image *one = image_check(L, 1), *two = image_check(L, 2);
  double tolerance = luaL_checknumber(L, 3), gain = luaL_checknumber(L, 4);
  luaL_argcheck(L,
                one->pixels.width == two->pixels.width &&
                    one->pixels.height == two->pixels.height,
                2, "another size");
  struct job *job = image_job_new(L, step_compare, push_difference);
  job->tolerance = tolerance;
  job->gain = gain;
  image_job_use(job, one, two);
  return image_job_start(L, job);
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
  struct image *image = image_check(L, 1);
  int format = luaL_checkoption(L, 2, NULL, names);
  int quality = (int)luaL_checkinteger(L, 3);
  int level = (int)luaL_checkinteger(L, 4);
  struct job *job = image_job_new(L, step_encode, push_text);
  job->numbers[0] = format;
  job->numbers[1] = quality;
  job->numbers[2] = level;
  image_job_use(job, image, NULL);
  return image_job_start(L, job);
}

/* pixels:size() -> width, height, channels, bits */
static int size(lua_State *L) {
  const struct pixels *pixels = &image_check(L, 1)->pixels;
  lua_pushinteger(L, pixels->width);
  lua_pushinteger(L, pixels->height);
  lua_pushinteger(L, pixels->channels);
  lua_pushinteger(L, pixels->bits);
  return 4;
}

/* pixels:bytes() -> the values, in the machine's order */
static int bytes(lua_State *L) {
  const struct pixels *pixels = &image_check(L, 1)->pixels;
  lua_pushlstring(L, pixels->data, pixels_bytes(pixels));
  return 1;
}

static const luaL_Reg methods[] = {
    {"measure", measure},  {"resize", resize},     {"channel", channel},
    {"compare", compare},  {"encode", encode},     {"size", size},
    {"bytes", bytes},      {"close", image_close}, {"__close", image_close},
    {"__gc", image_close}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"load", image_load},
    {"decode", image_decode_bytes},
    {"make", image_make},
    {NULL, NULL},
};

int luaopen_orch_core_image(lua_State *L) {
  luaL_newmetatable(L, IMAGE_PIXELS);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
