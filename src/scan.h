/* The work of fs.scan: files cut into segments that threads take in turn.
 * scan.c is the primitive. No Lua. */
#ifndef ORCH_SCAN_H
#define ORCH_SCAN_H

#include "fault.h"
#include "folder.h"
#include "op.h"
#include "search.h"

#include <pthread.h>

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

bool scan_fail(struct scan_op *scan, int error, int file);

/* The work has failed or was cancelled. */
bool scan_is_over(struct scan_op *scan);

/* A thread's part: searches segments until none is left; `data` is the op. */
void *scan_segments(void *data);

#endif
