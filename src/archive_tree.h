/* A new folder that is filled from an archive, by names that strangers chose:
 * every step is taken from an open folder to the next and follows no link, and
 * the archive's links are made when all else is there. libarchive's own writer
 * is not used: it changes the umask of the whole process, and works by paths.
 * No Lua. */
#ifndef ORCH_ARCHIVE_TREE_H
#define ORCH_ARCHIVE_TREE_H

#include "archive_common.h"

struct made {
  char *name, *target; /* ours */
  int64_t mtime;
};

struct made_list {
  struct made *items;
  size_t count, room;
};

struct tree {
  int root;   /* the folder, open */
  int parent; /* of the last entry, open; -1: none */
  struct text parent_name;
  bool keep_times, replaces; /* a later file of the same name counts */
  struct made_list folders, links;
  struct trouble *trouble;
  const volatile int *stop;
};

/* All of these return false with trouble. Names are clean and without problem.
 */
bool tree_folder(struct tree *tree, const char *name, int mode, int64_t mtime);
bool tree_link(struct tree *tree, const char *name, const char *target,
               int64_t mtime);
bool tree_hard_link(struct tree *tree, const char *name, const char *target);

/* A new file, open for writing, or -1. */
int tree_file(struct tree *tree, const char *name, int mode);

/* Makes the links, unless one leads out of the folder; sets folders' times. */
bool tree_finish(struct tree *tree);
void tree_close(struct tree *tree);

/* archive_link.c: every link of the tree must lead to a place within it. */
bool tree_check_link(struct tree *tree, const struct made *link);

/* archive_move.c: moves what is in `from` into the folder `to`. What is there
 * already is looked for before anything is moved. */
bool tree_merge(int from, int to, bool overwrite, struct trouble *trouble);

/* Removes an entry with all that is in it, best effort. */
void tree_remove(int folder, const char *name);

/* Folders like the one that we are about to make, of runs that were killed. */
void tree_clear_litter(int folder, const char *prefix);

#endif
