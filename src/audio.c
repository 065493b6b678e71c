/* orch.core.audio, a plug-in: what a sound file sounds like, decoded by
 * libsndfile on the thread pool, block by block. libsndfile is linked nowhere
 * else. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "audio_file.h"
#include "audio_measure.h"
#include "error.h"
#include "op.h"

#define BLOCK 16384 /* samples */

int luaopen_orch_core_audio(lua_State *L);

struct stats {
  struct op_work work;
  const char *path; /* the argument, on the stack */
  double shortest;  /* seconds */
  int rate;
  int status;
  char words[96];
  struct audio_measure measure;
};

static void decode(struct stats *stats, struct audio_file *file) {
  struct audio_measure *m = &stats->measure;
  int channels = file->info.channels;
  double *block = malloc(BLOCK * sizeof *block);
  m->of = calloc((size_t)channels, sizeof *m->of);
  m->channel_count = m->of ? channels : 0;
  m->full_scale = audio_file_full_scale(file);
  m->shortest = llround(fmin(stats->shortest * file->info.samplerate, 1e15));
  stats->rate = file->info.samplerate;
  if (!block || !m->of) file->status = UV_ENOMEM;
  int64_t n = 1;
  while (n > 0 && !file->status && !op_work_stopped(&stats->work)) {
    n = audio_file_read(file, block, BLOCK / channels);
    audio_measure_add(m, block, n);
  }
  free(block);
}

static void run_stats(struct op_work *work) {
  struct stats *stats = (struct stats *)work;
  struct audio_file file;
  if (audio_file_open(&file, stats->path, work)) decode(stats, &file);
  stats->status = file.status;
  memcpy(stats->words, file.words, sizeof stats->words);
  audio_file_close(&file);
}

static void set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

/* The fields of one channel, or of all of them together. */
static void set_level(lua_State *L, const struct audio_channel *c,
                      int64_t samples) {
  int64_t finite = samples - c->non_finite;
  double n = finite > 0 ? (double)finite : 1;
  set_number(L, "peak", c->peak);
  set_number(L, "rms", sqrt(c->square / n));
  set_number(L, "dc", c->sum / n);
  set_integer(L, "clipped", c->clipped);
  set_integer(L, "non_finite", c->non_finite);
}

static void set_silence(lua_State *L, const struct audio_measure *m,
                        double rate) {
  bool all = m->quiet_run == m->frames;
  lua_createtable(L, 0, 3);
  set_number(L, "starting", (double)(all ? m->frames : m->lead) / rate);
  set_number(L, "ending", (double)m->quiet_run / rate);
  set_number(L, "total", (double)audio_measure_silent(m) / rate);
  lua_setfield(L, -2, "silence");
}

static void push_stats(lua_State *L, const struct stats *stats) {
  const struct audio_measure *m = &stats->measure;
  struct audio_channel all = {0};
  lua_createtable(L, 0, 10);
  lua_createtable(L, m->channel_count, 0);
  for (int i = 0; i < m->channel_count; i++) {
    const struct audio_channel *c = &m->of[i];
    lua_createtable(L, 0, 5);
    set_level(L, c, m->frames);
    lua_rawseti(L, -2, i + 1);
    all.peak = fmax(all.peak, c->peak);
    all.sum += c->sum;
    all.square += c->square;
    all.clipped += c->clipped;
    all.non_finite += c->non_finite;
  }
  lua_setfield(L, -2, "channels");
  set_level(L, &all, m->frames * m->channel_count);
  set_silence(L, m, stats->rate);
  set_integer(L, "frames", m->frames);
  set_integer(L, "rate", stats->rate);
  set_number(L, "duration", (double)m->frames / stats->rate);
}

static int stats_result(lua_State *L, struct op *op) {
  struct stats *stats = (struct stats *)op;
  if (stats->status) return error_os(L, "read", stats->path, stats->status);
  if (stats->words[0]) {
    error_push(L, "format", "'%s' cannot be decoded: %s", stats->path,
               stats->words);
    lua_pushstring(L, stats->path);
    lua_setfield(L, -2, "path");
    return error_throw(L);
  }
  push_stats(L, stats);
  return 1;
}

static void stats_drop(struct op *op) {
  free(((struct stats *)op)->measure.of);
}

static const struct op_kind stats_kind = {
    .name = "audio.stats",
    .size = sizeof(struct stats),
    .result = stats_result,
    .cancel = op_work_cancel,
    .drop = stats_drop,
};

/* stats(path, quiet, shortest): silence is at most `quiet` (0..1) from zero
 * for at least `shortest` seconds. */
static int stats(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  double quiet = luaL_checknumber(L, 2);
  double shortest = luaL_checknumber(L, 3);
  struct stats *op = op_new(L, &stats_kind);
  op->path = path;
  op->measure.quiet = quiet;
  op->shortest = shortest;
  op_work_start(&op->work, run_stats);
  return op_await(L, &op->work.op);
}

/* version() -> libsndfile's */
static int version(lua_State *L) {
  lua_pushstring(L, sf_version_string());
  return 1;
}

static const luaL_Reg functions[] = {
    {"stats", stats},
    {"version", version},
    {NULL, NULL},
};

int luaopen_orch_core_audio(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
