/* The state of a walk through a tree, without Lua: walklib.c is the primitive.
 */
#ifndef ORCH_WALK_H
#define ORCH_WALK_H

#include "fault.h"
#include "folder.h"
#include "glob.h"
#include "op.h"

struct walk_frame {
  struct folder folder;
  size_t next;      /* of its entries */
  size_t path_size; /* of the folder's own path */
  uint64_t *states; /* of the patterns, in this folder */
  dev_t device;
  ino_t inode;
};

struct walk {
  struct text path; /* the root, then where the walk is */
  size_t root_size;
  struct walk_frame *frames;
  int depth, capacity;

  struct glob *globs; /* first the ones to match, then the exclusions */
  int glob_count, include_count;
  uint64_t *below; /* their states for the entry that is looked at */

  int max_depth;      /* 0: no limit */
  unsigned char type; /* 0: every */
  bool hidden, follow, want_stat, missing_ok, skip_unreadable;

  bool started, over;
  struct op *reader; /* the last one, done or not */
  struct fault fault;
};

/* One found entry, packed: this, then its path below the root and a NUL. */
struct walk_found {
  int64_t size;
  double mtime;
  uint32_t path_size, mode;
  int depth;
  unsigned char type;
};

struct walk_batch {
  struct text found;
  size_t count;
};

/* Adds up to `limit` entries to the batch; a fault goes to the walk. */
void walk_run(struct walk *walk, struct walk_batch *batch, size_t limit,
              struct op_work *work);
void walk_free(struct walk *walk);

#endif
