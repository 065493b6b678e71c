/* fs.scan: many files, many patterns, all cores. Files are cut into segments
 * that the threads take in turn, and read in blocks of whole lines that fit
 * into the cache. A segment owns the lines that begin in it. */
#include "error.h"
#include "fault.h"
#include "folder.h"
#include "op.h"
#include "search.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS_MAX = 64, BLOCK = 256 << 10, SEGMENT = 16 << 20 };

struct segment {
  int file;
  off_t start, end; /* end: INT64_MAX for files that do not tell their size */
  uint64_t lines, bytes;
  uint64_t *counts;    /* of each needle */
  struct text matches; /* packed: struct found, then the line's text */
};

struct found {
  uint64_t line; /* in the segment, from 0 */
  uint32_t column, size, needle;
};

struct scan_op {
  struct op_work work;
  struct fault fault;
  pthread_mutex_t fault_lock;
  const char **paths;
  int file_count, folder; /* the first path that is a folder, from 1; or 0 */
  struct needle *needles;
  int needle_count;
  struct segment *segments;
  int segment_count, next_segment;
  bool occurrences, want_lines;
  uint64_t limit; /* of matches to keep, for each needle and segment */
};

static bool fail(struct scan_op *scan, int error, int file) {
  pthread_mutex_lock(&scan->fault_lock);
  fault_set(&scan->fault, error, "scan", scan->paths[file]);
  pthread_mutex_unlock(&scan->fault_lock);
  return false;
}

static bool fail_in_pattern(struct scan_op *scan, int file) {
  pthread_mutex_lock(&scan->fault_lock);
  fault_say(&scan->fault, EINVAL, "scan", scan->paths[file],
            "a pattern needs too many steps on a line of it; make it simpler");
  pthread_mutex_unlock(&scan->fault_lock);
  return false;
}

static bool is_over(struct scan_op *scan) {
  return op_work_stopped(&scan->work) ||
         __atomic_load_n(&scan->fault.error, __ATOMIC_RELAXED) != 0;
}

/* --- one block of whole lines --- */

static uint64_t count_newlines(const char *from, const char *end) {
  uint64_t lines = 0;
  for (; from < end; from++) lines += *from == '\n';
  return lines;
}

static bool keep(struct scan_op *scan, struct segment *segment, int needle,
                 const struct match *match, uint64_t line) {
  const char *end = match->line_end;
  if (end > match->line && end[-1] == '\r') end--;
  struct found found = {.line = line,
                        .column = (uint32_t)(match->start - match->line) + 1,
                        .size = (uint32_t)(end - match->line),
                        .needle = (uint32_t)needle};
  return (text_add(&segment->matches, &found, sizeof found) == 0 &&
          text_add(&segment->matches, match->line, found.size) == 0) ||
         fail(scan, ENOMEM, segment->file);
}

static bool search_block(struct scan_op *scan, struct searcher *searcher,
                         struct segment *segment, int needle, const char *block,
                         const char *end) {
  struct match match;
  const char *from = block, *counted = block;
  uint64_t line = segment->lines;
  while (from < end) {
    int found =
        needle_find(&scan->needles[needle], searcher, block, from, end, &match);
    if (found < 0) return fail_in_pattern(scan, segment->file);
    if (found == 0) return true;
    if (segment->counts[needle]++ < scan->limit) {
      line += count_newlines(counted, match.line);
      counted = match.line;
      if (!keep(scan, segment, needle, &match, line)) return false;
    }
    from = match.line_end + 1;
    if (scan->occurrences) from = match.end + (match.end == match.start);
  }
  return true;
}

static bool search_lines(struct scan_op *scan, struct searcher *searcher,
                         struct segment *segment, const char *block,
                         const char *end) {
  for (int i = 0; i < scan->needle_count; i++)
    if (!search_block(scan, searcher, segment, i, block, end)) return false;
  segment->bytes += end - block;
  if (scan->want_lines) {
    segment->lines += count_newlines(block, end);
    segment->lines += end > block && end[-1] != '\n';
  }
  return true;
}

/* --- one segment --- */

struct buffer {
  char *data;
  size_t size, capacity;
};

/* Where the segment's last line ends, if it does in the block. */
static const char *end_of_segment(const struct segment *segment, off_t at,
                                  const char *block, const char *end) {
  off_t left = segment->end - 1 - at;
  if (left >= end - block) return NULL;
  const char *from = left > 0 ? block + left : block;
  const char *newline = memchr(from, '\n', end - from);
  return newline != NULL ? newline + 1 : NULL;
}

/* Reads on behind what is left of the last block; 1, 0 at the end, -1. */
static int fill(struct scan_op *scan, struct segment *segment, int fd,
                struct buffer *buffer, off_t at) {
  if (buffer->size * 2 > buffer->capacity) {
    char *data = realloc(buffer->data, buffer->capacity * 2);
    if (data == NULL) return fail(scan, ENOMEM, segment->file) - 1;
    buffer->data = data;
    buffer->capacity *= 2;
  }
  ssize_t got = pread(fd, buffer->data + buffer->size,
                      buffer->capacity - buffer->size, at + buffer->size);
  if (got < 0) return fail(scan, errno, segment->file) - 1;
  buffer->size += got;
  return got > 0;
}

/* The offset of the segment's first line: the one after the newline at or after
 * the byte before its start. -1: it has none. */
static off_t first_line(struct scan_op *scan, struct segment *segment, int fd,
                        struct buffer *buffer) {
  off_t at = segment->start > 0 ? segment->start - 1 : 0;
  while (segment->start > 0) {
    buffer->size = 0;
    if (fill(scan, segment, fd, buffer, at) <= 0) return -1;
    char *newline = memchr(buffer->data, '\n', buffer->size);
    if (newline != NULL) return at + (newline + 1 - buffer->data);
    at += buffer->size;
    if (at >= segment->end || is_over(scan)) return -1;
  }
  return at;
}

static void scan_open_segment(struct scan_op *scan, struct searcher *searcher,
                              struct segment *segment, int fd,
                              struct buffer *buffer) {
  off_t at = first_line(scan, segment, fd, buffer);
  buffer->size = 0;
  while (at >= 0 && at < segment->end && !is_over(scan)) {
    int more = fill(scan, segment, fd, buffer, at);
    const char *block = buffer->data, *end = block + buffer->size;
    if (more < 0 || buffer->size == 0) return;
    const char *last = end_of_segment(segment, at, block, end);
    const char *newline = memrchr(block, '\n', buffer->size);
    const char *stop = last ? last : newline ? newline + 1 : block;
    if (more == 0 && last == NULL) stop = end;
    if (!search_lines(scan, searcher, segment, block, stop)) return;
    if (last != NULL || more == 0) return;
    at += stop - block;
    buffer->size = end - stop;
    memmove(buffer->data, stop, buffer->size);
  }
}

static void scan_segment(struct scan_op *scan, struct searcher *searcher,
                         struct segment *segment, struct buffer *buffer) {
  int fd = open(scan->paths[segment->file], O_RDONLY | O_CLOEXEC);
  segment->counts = calloc(scan->needle_count, sizeof *segment->counts);
  if (fd < 0)
    fail(scan, errno, segment->file);
  else if (segment->counts == NULL)
    fail(scan, ENOMEM, segment->file);
  else
    scan_open_segment(scan, searcher, segment, fd, buffer);
  if (fd >= 0) close(fd);
}

static void *scan_segments(void *data) {
  struct scan_op *scan = data;
  struct searcher searcher;
  struct buffer buffer = {.data = malloc(BLOCK), .capacity = BLOCK};
  if (!searcher_open(&searcher) || buffer.data == NULL) fail(scan, ENOMEM, 0);
  while (!is_over(scan)) {
    int i = __atomic_fetch_add(&scan->next_segment, 1, __ATOMIC_RELAXED);
    if (i >= scan->segment_count) break;
    scan_segment(scan, &searcher, &scan->segments[i], &buffer);
  }
  searcher_close(&searcher);
  free(buffer.data);
  return NULL;
}

/* --- the operation --- */

static bool add_segments(struct scan_op *scan, struct text *segments,
                         int file) {
  struct stat info;
  if (stat(scan->paths[file], &info) != 0) return fail(scan, errno, file);
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
      return fail(scan, ENOMEM, file);
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

int luaopen_orch_core_scan(lua_State *L);
int luaopen_orch_core_scan(lua_State *L) {
  static const luaL_Reg functions[] = {{"scan", scan_scan}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
