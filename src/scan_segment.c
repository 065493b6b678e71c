/* See scan.h. A segment is read in blocks of whole lines that fit into the
 * cache, and owns the lines that begin in it. */
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 << 10 };

bool scan_fail(struct scan_op *scan, int error, int file) {
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

bool scan_is_over(struct scan_op *scan) {
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
         scan_fail(scan, ENOMEM, segment->file);
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
    if (data == NULL) return scan_fail(scan, ENOMEM, segment->file) - 1;
    buffer->data = data;
    buffer->capacity *= 2;
  }
  ssize_t got = pread(fd, buffer->data + buffer->size,
                      buffer->capacity - buffer->size, at + buffer->size);
  if (got < 0) return scan_fail(scan, errno, segment->file) - 1;
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
    if (at >= segment->end || scan_is_over(scan)) return -1;
  }
  return at;
}

static void scan_open_segment(struct scan_op *scan, struct searcher *searcher,
                              struct segment *segment, int fd,
                              struct buffer *buffer) {
  off_t at = first_line(scan, segment, fd, buffer);
  buffer->size = 0;
  while (at >= 0 && at < segment->end && !scan_is_over(scan)) {
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
    scan_fail(scan, errno, segment->file);
  else if (segment->counts == NULL)
    scan_fail(scan, ENOMEM, segment->file);
  else
    scan_open_segment(scan, searcher, segment, fd, buffer);
  if (fd >= 0) close(fd);
}

void *scan_segments(void *data) {
  struct scan_op *scan = data;
  struct searcher searcher;
  struct buffer buffer = {.data = malloc(BLOCK), .capacity = BLOCK};
  if (!searcher_open(&searcher) || buffer.data == NULL)
    scan_fail(scan, ENOMEM, 0);
  while (!scan_is_over(scan)) {
    int i = __atomic_fetch_add(&scan->next_segment, 1, __ATOMIC_RELAXED);
    if (i >= scan->segment_count) break;
    scan_segment(scan, &searcher, &scan->segments[i], &buffer);
  }
  searcher_close(&searcher);
  free(buffer.data);
  return NULL;
}
