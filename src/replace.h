/* A file that takes another's place when it is whole: readers see the old
 * content or the new, also after a kill at any moment. Blocking, no Lua. */
#ifndef ORCH_REPLACE_H
#define ORCH_REPLACE_H

#include "fault.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct replace {
  int fd;              /* of the new content: write to it */
  int folder;          /* of the file */
  char path[PATH_MAX]; /* with links followed; `name` is its end */
  const char *name;
  char temporary[NAME_MAX + 1]; /* "" while the new file has no name */
  int mode;    /* for the new file; -1: the old one's, or the usual */
  bool exists; /* whether there is an old file; `old` is its stat */
  struct stat old;
};

/* Opens a new file beside `path`, and clears away what killed writers left in
 * that folder. It will have the old file's owner and attributes (ACLs), and
 * with mode -1 its mode. `fault` says what failed, with `doing`. Opens nothing
 * where replace_is_special. */
bool replace_open(struct replace *replace, const char *path, int mode,
                  const char *doing, struct fault *fault);

/* Writes it to the disk if `sync`, and puts it in place. Closes everything. */
bool replace_commit(struct replace *replace, bool sync, const char *doing,
                    struct fault *fault);

/* The old one is a device, a FIFO or a socket, which must not be replaced. */
static inline bool replace_is_special(const struct replace *replace) {
  return replace->exists && !S_ISREG(replace->old.st_mode);
}

/* Leaves the old file alone and closes everything. */
void replace_abandon(struct replace *replace);

#endif
