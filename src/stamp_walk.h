/* What stamp_walk.c (folders, and who reads which) and stamp_entry.c (what is
 * in them) know of each other. */
#ifndef ORCH_STAMP_WALK_H
#define ORCH_STAMP_WALK_H

#include "stamp.h"

#include <errno.h>

/* A folder nobody has read yet, with the states of those selections that can
 * still match in it. */
struct stamp_pending {
  struct stamp_pending *next;
  int active, states; /* how many selections, and states of them */
  bool linked;        /* reached through a link */
  uint32_t path_size;
  uint64_t data[]; /* states; then selections as int; then the path */
};

static inline int *selections_of(struct stamp_pending *pending) {
  return (int *)(pending->data + pending->states);
}

static inline char *path_of(struct stamp_pending *pending) {
  return (char *)(selections_of(pending) + pending->active);
}

struct walker {
  struct stamp_plan *plan;
  struct stamp_tally *tally;
  struct stamp_pending *folder;
  struct stamp_pending *found; /* folders in it */
  int fd;
  char *listing;
  uint64_t *states; /* of the entry that is looked at */
  int *entering, *matching;
  size_t room;      /* of these, for that many states */
  struct text path; /* facts, then the path of the entry */
};

struct stamp_pending *stamp_pending_new(int active, int states,
                                        const char *path, size_t size);

/* What could not be read, for every selection that the folder is part of. */
void stamp_note_error(struct walker *walker, int error, const char *path);

/* What is gone, or is no folder any more, has nothing in it. */
static inline bool is_gone(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

/* Looks at one entry of the folder that is open; false ends its reading. */
bool stamp_visit(struct walker *walker, const char *name, unsigned char type);

#endif
