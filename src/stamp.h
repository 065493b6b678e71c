/* File stamps: what many groups of patterns find, looked at in one go by all
 * cores. The plan is made on the loop's thread, the look happens on the pool;
 * no Lua but in stamp.c and stamp_detail.c. */
#ifndef ORCH_STAMP_H
#define ORCH_STAMP_H

#include "fault.h"
#include "fingerprint.h"
#include "folder.h"
#include "glob.h"
#include "op.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* What counts of a file before its path; hashed as it lies there. */
struct stamp_facts {
  int64_t size, mtime_ns;
  uint32_t mode; /* the type and whether it may be executed; 0: it is missing */
  uint32_t path_size;
};

/* A path without wildcards. Several groups may have it, it is one. */
struct stamp_literal {
  const char *path;
  struct stamp_facts facts;
  struct fingerprint stamp;
  int error; /* why it could not be looked at; 0 also where it is missing */
};

/* One pattern with what is excluded below the folder that it begins in. Groups
 * that have the same share it; a walk answers all of one base. */
struct stamp_selection {
  const char *base;    /* "" is the root */
  struct glob **globs; /* the one to find, then the exclusions */
  uint64_t *states;    /* of each at the base */
  int glob_count;
  int next_same_base; /* -1: the last */
  bool is_first;      /* of its base: here the walk begins */
  int error;          /* what could not be read below it, and where */
  char *error_path;
};

struct stamp_item {
  const char *text; /* as the group has it */
  int literal;      /* -1: none */
  int selection;    /* -1: none; a folder that was named has both */
};

struct stamp_group {
  int first_item, item_count;
  const char **excludes; /* NULL at the end */
};

/* What one thread found for one selection. */
struct stamp_sum {
  struct fingerprint stamp;
  uint64_t files, bytes;
  int64_t newest_ns;
  bool matched; /* also by a folder, which does not count otherwise */
};

struct stamp_tally {
  struct stamp_sum *sums; /* by selection */
  struct text found;      /* with `gather`: facts and path of every file */
};

/* From fingerprints to places in a list. */
struct stamp_map {
  struct stamp_slot {
    struct fingerprint key;
    uint32_t place; /* + 1 */
  } * slots;
  size_t count, capacity;
};

struct stamp_list {
  void *items;
  int count, capacity;
};

enum { STAMP_THREADS = 16 };

struct stamp_plan {
  const char *root;           /* absolute; Lua's */
  struct stamp_chunk *chunks; /* the memory of all texts */
  struct stamp_list literals, selections, items, groups;
  struct stamp_map literal_map, selection_map, base_map;
  bool gather;
  bool folders; /* they count as well: which there are, not when they changed */

  volatile int *stop; /* of the op */
  int64_t began_ns;   /* wall clock, before anything was looked at */
  int root_fd;
  struct stamp_tally tallies[STAMP_THREADS];
  int thread_count;
  struct fault fault;
  pthread_mutex_t lock; /* of everything below, and of `fault` and errors */
  pthread_cond_t changed;
  struct stamp_pending *pending;
  int reading;
  atomic_int next_literal;
};

#define STAMP_LITERAL(plan, i)                                                 \
  (&((struct stamp_literal *)(plan)->literals.items)[i])
#define STAMP_SELECTION(plan, i)                                               \
  (&((struct stamp_selection *)(plan)->selections.items)[i])
#define STAMP_ITEM(plan, i) (&((struct stamp_item *)(plan)->items.items)[i])
#define STAMP_GROUP(plan, i) (&((struct stamp_group *)(plan)->groups.items)[i])

/* --- the plan: stamp_plan.c, stamp_memory.c. 0 or an errno; E2BIG: too many
 * components --- */

void stamp_plan_init(struct stamp_plan *plan, const char *root,
                     volatile int *stop);
const char *stamp_keep(struct stamp_plan *plan, const char *text, size_t size);
int stamp_group_open(struct stamp_plan *plan, const char **excludes);
int stamp_group_add(struct stamp_plan *plan, const char *pattern, size_t size);
/* A folder that was named is everything below it. */
int stamp_expand_folders(struct stamp_plan *plan);
void stamp_plan_free(struct stamp_plan *plan);

/* --- the look: stamp_look.c and stamp_walk.c; faults go to the plan --- */

/* A file that was written so shortly before the look began may be written once
 * more without a change of its time: neither stamp nor blob vouch for it. Where
 * times are whole seconds the file system may know no others (FAT: even ones).
 */
static inline bool stamp_is_young(const struct stamp_plan *plan,
                                  int64_t mtime_ns) {
  bool coarse = mtime_ns % 1000000000 == 0;
  return mtime_ns >= plan->began_ns - (coarse ? 2000000000 : 20000000);
}

void stamp_look(struct stamp_plan *plan);
void stamp_walk(struct stamp_plan *plan);
bool stamp_is_stopped(const struct stamp_plan *plan);
bool stamp_fail(struct stamp_plan *plan, int error, const char *path);
void stamp_facts_of(struct stamp_facts *facts, const struct stat *info);

/* Runs `work(data, thread)` on all cores and waits for it; the number of
 * threads. */
int stamp_in_parallel(void (*work)(void *data, int thread), void *data,
                      int limit);

struct stamp_result {
  struct stamp_sum sum;
  int missing; /* items that found nothing */
  int error;
  const char *error_path;
};

/* What a group has found. */
struct stamp_result stamp_result_of(struct stamp_plan *plan, int group);
bool stamp_is_missing(struct stamp_plan *plan, const struct stamp_item *item);

/* --- Lua: stamp.c --- */

/* Adds the patterns of the list at `list` as a group; those of the list at
 * `excludes` (nil: none) are left out. Raises. */
void stamp_check_group(lua_State *L, struct stamp_plan *plan, int list,
                       int excludes, int prepare);
int stamp_detail(lua_State *L);
int stamp_compare(lua_State *L);
int stamp_sizes(lua_State *L);
int stamp_records(lua_State *L);

#endif
