/* See stamp.h: all folders that some selection may find something in, by
 * threads that share a stack of them. */
#include "stamp_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LISTING = 64 << 10 };

/* --- the shared stack --- */

static bool is_over(struct stamp_plan *plan) {
  return plan->fault.error != 0 || stamp_is_stopped(plan) ||
         (plan->pending == NULL && plan->reading == 0);
}

static struct stamp_pending *take(struct stamp_plan *plan) {
  struct stamp_pending *folder = NULL;
  pthread_mutex_lock(&plan->lock);
  while (!is_over(plan) && plan->pending == NULL)
    pthread_cond_wait(&plan->changed, &plan->lock);
  if (!is_over(plan)) {
    folder = plan->pending;
    plan->pending = folder->next;
    plan->reading++;
  }
  pthread_mutex_unlock(&plan->lock);
  return folder;
}

static void give_back(struct stamp_plan *plan, struct stamp_pending *found) {
  pthread_mutex_lock(&plan->lock);
  struct stamp_pending *last = found;
  while (last != NULL && last->next != NULL) last = last->next;
  if (last != NULL) {
    last->next = plan->pending;
    plan->pending = found;
  }
  plan->reading--;
  if (found != NULL || is_over(plan)) pthread_cond_broadcast(&plan->changed);
  pthread_mutex_unlock(&plan->lock);
}

/* --- one folder --- */

static bool make_room(struct walker *walker) {
  struct stamp_pending *folder = walker->folder;
  struct stamp_facts none = {0};
  size_t wanted = folder->states;
  walker->path.size = 0;
  if (text_add(&walker->path, &none, sizeof none) != 0 ||
      text_add(&walker->path, path_of(folder), folder->path_size + 1) != 0)
    return false;
  if (wanted <= walker->room) return true;
  free(walker->states);
  free(walker->entering);
  free(walker->matching);
  walker->room = 0;
  walker->states = malloc(wanted * sizeof *walker->states);
  walker->entering = malloc(wanted * sizeof(int));
  walker->matching = malloc(wanted * sizeof(int));
  if (walker->states == NULL || walker->entering == NULL ||
      walker->matching == NULL)
    return false;
  walker->room = wanted;
  return true;
}

static bool is_dots(const char *name) {
  return name[0] == '.' &&
         (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static void read_entries(struct walker *walker) {
  for (;;) {
    long got = syscall(SYS_getdents64, walker->fd, walker->listing, LISTING);
    if (got < 0 && !is_gone(errno))
      stamp_note_error(walker, errno, path_of(walker->folder));
    if (got <= 0) return;
    for (long at = 0; at < got;) {
      const struct dirent64 *entry =
          (const struct dirent64 *)(walker->listing + at);
      at += entry->d_reclen;
      if (!is_dots(entry->d_name) &&
          !stamp_visit(walker, entry->d_name, entry->d_type))
        return;
    }
    if (stamp_is_stopped(walker->plan)) return;
  }
}

static void walk_folder(struct walker *walker) {
  const char *path = path_of(walker->folder);
  walker->found = NULL;
  if (!make_room(walker)) {
    stamp_fail(walker->plan, ENOMEM, path);
    return;
  }
  walker->fd = openat(walker->plan->root_fd, *path ? path : ".",
                      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (walker->fd >= 0) {
    read_entries(walker);
    close(walker->fd);
  } else if (!is_gone(errno)) {
    stamp_note_error(walker, errno, *path ? path : ".");
  }
}

static void walk(void *data, int thread) {
  struct stamp_plan *plan = data;
  struct walker walker = {.plan = plan, .tally = &plan->tallies[thread]};
  walker.listing = malloc(LISTING);
  walker.tally->sums =
      calloc(plan->selections.count, sizeof *walker.tally->sums);
  if (walker.listing == NULL || walker.tally->sums == NULL)
    stamp_fail(plan, ENOMEM, plan->root);
  while ((walker.folder = take(plan)) != NULL) {
    walk_folder(&walker);
    give_back(plan, walker.found);
    free(walker.folder);
  }
  free(walker.listing);
  free(walker.states);
  free(walker.entering);
  free(walker.matching);
  free(walker.path.data);
  pthread_mutex_lock(&plan->lock);
  pthread_cond_broadcast(&plan->changed);
  pthread_mutex_unlock(&plan->lock);
}

/* --- where walks begin --- */

static bool is_ours(const char *base) {
  return strncmp(base, ".orch", 5) == 0 && (base[5] == '\0' || base[5] == '/');
}

static bool begin(struct stamp_plan *plan, int first) {
  const char *base = STAMP_SELECTION(plan, first)->base;
  int active = 0, states = 0;
  if (is_ours(base)) return true;
  for (int i = first; i >= 0; i = STAMP_SELECTION(plan, i)->next_same_base) {
    active++;
    states += STAMP_SELECTION(plan, i)->glob_count;
  }
  struct stamp_pending *pending =
      stamp_pending_new(active, states, base, strlen(base));
  if (pending == NULL) return stamp_fail(plan, ENOMEM, base);
  active = states = 0;
  for (int i = first; i >= 0; i = STAMP_SELECTION(plan, i)->next_same_base) {
    struct stamp_selection *selection = STAMP_SELECTION(plan, i);
    selections_of(pending)[active++] = i;
    memcpy(pending->data + states, selection->states,
           selection->glob_count * sizeof(uint64_t));
    states += selection->glob_count;
  }
  pending->next = plan->pending;
  plan->pending = pending;
  return true;
}

void stamp_walk(struct stamp_plan *plan) {
  for (int i = 0; i < plan->selections.count; i++)
    if (STAMP_SELECTION(plan, i)->is_first && !begin(plan, i)) break;
  if (plan->selections.count > 0)
    plan->thread_count = stamp_in_parallel(walk, plan, STAMP_THREADS);
  while (plan->pending != NULL) {
    struct stamp_pending *next = plan->pending->next;
    free(plan->pending);
    plan->pending = next;
  }
}
