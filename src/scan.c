/* fs.scan: many files, many patterns, all cores; see scan.h for the work. */
#include "scan.h"

#include "error.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS_MAX = 64, SEGMENT = 16 << 20 };

static bool add_segments(struct scan_op *scan, struct text *segments,
                         int file) {
  struct stat info;
  if (stat(scan->paths[file], &info) != 0) return scan_fail(scan, errno, file);
  if (S_ISDIR(info.st_mode)) {
    scan->folder = file + 1;
    return false;
  }
  if (!S_ISREG(info.st_mode))
    return fault_say(&scan->fault, EINVAL, "scan", scan->paths[file],
                     "it is no ordinary file");
  off_t start = 0;
  do {
    off_t end = start + SEGMENT;
    if (info.st_size == 0) end = INT64_MAX; /* /proc does not tell */
    struct segment segment = {.file = file, .start = start, .end = end};
    if (text_add(segments, &segment, sizeof segment) != 0)
      return scan_fail(scan, ENOMEM, file);
    scan->segment_count++;
    start = end;
  } while (start < info.st_size);
  return true;
}

static void scan_in_parallel(struct scan_op *scan) {
  pthread_t helpers[THREADS_MAX];
  long wanted = sysconf(_SC_NPROCESSORS_ONLN) - 1;
  if (wanted > scan->segment_count - 1) wanted = scan->segment_count - 1;
  if (wanted > THREADS_MAX) wanted = THREADS_MAX;
  int started = 0;
  while (started < wanted &&
         pthread_create(&helpers[started], NULL, scan_segments, scan) == 0)
    started++;
  scan_segments(scan);
  while (started > 0) pthread_join(helpers[--started], NULL);
}

static void run_scan(struct op_work *work) {
  struct scan_op *scan = (struct scan_op *)work;
  struct text segments = {0};
  bool ready = true;
  for (int i = 0; ready && i < scan->file_count; i++)
    ready = add_segments(scan, &segments, i) && !op_work_stopped(work);
  scan->segments = (struct segment *)segments.data;
  if (ready && scan->segment_count > 0) scan_in_parallel(scan);
}

static void scan_drop(struct op *op) {
  struct scan_op *scan = (struct scan_op *)op;
  for (int i = 0; i < scan->needle_count; i++) needle_close(&scan->needles[i]);
  for (int i = 0; i < scan->segment_count; i++) {
    free(scan->segments[i].counts);
    free(scan->segments[i].matches.data);
  }
  free(scan->needles);
  free(scan->segments);
  free(scan->paths);
  scan->needle_count = scan->segment_count = 0;
  scan->needles = NULL;
  scan->segments = NULL;
  scan->paths = NULL;
  fault_clear(&scan->fault);
}

/* --- results --- */

static void add_to(lua_State *L, int table, lua_Integer at, uint64_t value) {
  lua_rawgeti(L, table, at);
  lua_pushinteger(L, lua_tointeger(L, -1) + (lua_Integer)value);
  lua_rawseti(L, table, at);
  lua_pop(L, 1);
}

/* Appends {file, needle, line, column, text} of a segment to `matches`. */
static void push_matches(lua_State *L, int matches,
                         const struct segment *segment, uint64_t line_base) {
  const char *at = segment->matches.data, *end = at + segment->matches.size;
  lua_Integer n = (lua_Integer)lua_rawlen(L, matches);
  while (at < end) {
    struct found found;
    memcpy(&found, at, sizeof found);
    lua_pushinteger(L, segment->file + 1);
    lua_rawseti(L, matches, ++n);
    lua_pushinteger(L, found.needle + 1);
    lua_rawseti(L, matches, ++n);
    lua_pushinteger(L, (lua_Integer)(line_base + found.line) + 1);
    lua_rawseti(L, matches, ++n);
    lua_pushinteger(L, found.column);
    lua_rawseti(L, matches, ++n);
    lua_pushlstring(L, at + sizeof found, found.size);
    lua_rawseti(L, matches, ++n);
    at += sizeof found + found.size;
  }
}

static int scan_result(lua_State *L, struct op *op) {
  struct scan_op *scan = (struct scan_op *)op;
  fault_check(L, &scan->fault, NULL);
  if (scan->folder > 0) {
    lua_pushnil(L);
    lua_pushinteger(L, scan->folder);
    return 2;
  }
  lua_newtable(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_newtable(L);
  int top = lua_gettop(L), counts = top - 3, lines = top - 2, bytes = top - 1;
  uint64_t line_base = 0;
  for (int i = 0; i < scan->segment_count; i++) {
    const struct segment *segment = &scan->segments[i];
    if (segment->start == 0) line_base = 0;
    for (int n = 0; n < scan->needle_count; n++)
      add_to(L, counts, (lua_Integer)segment->file * scan->needle_count + n + 1,
             segment->counts[n]);
    add_to(L, lines, segment->file + 1, segment->lines);
    add_to(L, bytes, segment->file + 1, segment->bytes);
    push_matches(L, top, segment, line_base);
    line_base += segment->lines;
  }
  scan_drop(op);
  return 4;
}

static void open_needles(lua_State *L, struct scan_op *scan, bool caseless,
                         bool is_literal) {
  int count = (int)lua_rawlen(L, 2);
  for (int i = 0; i < count; i++) {
    size_t size, where = 0;
    lua_rawgeti(L, 2, i + 1);
    const char *pattern = luaL_checklstring(L, -1, &size);
    int error = needle_open(&scan->needles[i], pattern, size, caseless,
                            is_literal, &where);
    if (error == PCRE2_ERROR_NOMEMORY || error == PCRE2_ERROR_HEAP_FAILED)
      error_os(L, "scan", NULL, UV_ENOMEM);
    if (error != 0) {
      char text[128];
      pcre2_get_error_message(error, (PCRE2_UCHAR *)text, sizeof text);
      error_usage(L, "fs.scan: the pattern '%s' is wrong at character %d: %s",
                  pattern, (int)where + 1, text);
    }
    scan->needle_count = i + 1;
    lua_pop(L, 1);
  }
}

static void add_paths(lua_State *L, struct scan_op *scan) {
  int count = (int)lua_rawlen(L, 1);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, 1, i + 1);
    scan->paths[i] = luaL_checkstring(L, -1); /* the list keeps it alive */
    scan->file_count = i + 1;
    lua_pop(L, 1);
  }
}

/* scan(paths, patterns, caseless, literal, occurrences, want lines, limit of
 * matches or 0) -> counts (file by file), lines, bytes, {file, pattern, line,
 * column, text, ...}; or nil and which of the paths is a folder */
static int scan_scan(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.scan",
                                      .size = sizeof(struct scan_op),
                                      .result = scan_result,
                                      .cancel = op_work_cancel,
                                      .drop = scan_drop};
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer limit = luaL_checkinteger(L, 7);
  struct scan_op *scan = op_new(L, &kind);
  pthread_mutex_init(&scan->fault_lock, NULL);
  scan->occurrences = lua_toboolean(L, 5);
  scan->want_lines = lua_toboolean(L, 6) || limit > 0;
  scan->limit = limit;
  scan->paths = calloc(lua_rawlen(L, 1) + 1, sizeof *scan->paths);
  scan->needles = calloc(lua_rawlen(L, 2) + 1, sizeof *scan->needles);
  if (scan->paths == NULL || scan->needles == NULL)
    return error_os(L, "scan", NULL, UV_ENOMEM);
  add_paths(L, scan);
  open_needles(L, scan, lua_toboolean(L, 3), lua_toboolean(L, 4));
  op_work_start(&scan->work, run_scan);
  return op_await(L, &scan->work.op);
}

/* version() -> PCRE2's */
static int version(lua_State *L) {
  char text[64];
  pcre2_config(PCRE2_CONFIG_VERSION, text);
  lua_pushstring(L, text);
  return 1;
}

int luaopen_orch_core_scan(lua_State *L);
int luaopen_orch_core_scan(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"scan", scan_scan}, {"version", version}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
