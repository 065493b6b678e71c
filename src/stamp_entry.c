/* See stamp_walk.h: one entry of a folder, for all selections that may find
 * something in it. */
#include "stamp_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stamp_pending *stamp_pending_new(int active, int states,
                                        const char *path, size_t size) {
  struct stamp_pending *pending =
      malloc(sizeof *pending + states * sizeof(uint64_t) +
             active * sizeof(int) + size + 1);
  if (pending == NULL) return NULL;
  *pending = (struct stamp_pending){
      .active = active, .states = states, .path_size = (uint32_t)size};
  memcpy(path_of(pending), path, size);
  path_of(pending)[size] = '\0';
  return pending;
}

void stamp_note_error(struct walker *walker, int error, const char *path) {
  struct stamp_plan *plan = walker->plan;
  pthread_mutex_lock(&plan->lock);
  if (error == ENOMEM || error == EMFILE || error == ENFILE)
    fault_set(&plan->fault, error, "look at", path);
  for (int i = 0; i < walker->folder->active; i++) {
    struct stamp_selection *selection =
        STAMP_SELECTION(plan, selections_of(walker->folder)[i]);
    if (selection->error != 0) continue;
    selection->error = error;
    selection->error_path = strdup(path);
  }
  pthread_mutex_unlock(&plan->lock);
}

static const char *entry_path(struct walker *walker) {
  return walker->path.data + sizeof(struct stamp_facts);
}

/* Steps all selections over the entry: which match it, and which may match
 * below it. */
static void step(struct walker *walker, const char *name, int *matches,
                 int *enters, bool through_link) {
  struct stamp_plan *plan = walker->plan;
  struct stamp_pending *folder = walker->folder;
  const uint64_t *from = folder->data;
  uint64_t *to = walker->states;
  *matches = *enters = 0;
  for (int i = 0; i < folder->active; i++) {
    int index = selections_of(folder)[i];
    struct stamp_selection *selection = STAMP_SELECTION(plan, index);
    int count = selection->glob_count;
    struct glob *glob = selection->globs[0];
    to[0] = glob_step(glob, from[0], name, through_link);
    bool is_match = glob_is_match(glob, to[0]);
    bool may_enter = glob_can_match_below(glob, to[0]);
    for (int n = 1; n < count && (is_match || may_enter); n++) {
      to[n] = 0;
      if (from[n] == 0) continue; /* it excludes nothing below here */
      to[n] = glob_step(selection->globs[n], from[n], name, false);
      if (glob_is_match(selection->globs[n], to[n]))
        is_match = may_enter = false;
    }
    if (is_match) walker->matching[(*matches)++] = index;
    if (may_enter) {
      walker->entering[(*enters)++] = index;
      to += count;
    }
    from += count;
  }
}

static bool gather(struct walker *walker, const struct stamp_facts *facts) {
  size_t size = sizeof *facts + facts->path_size + 1;
  size_t padding = (8 - size % 8) % 8;
  return (text_add(&walker->tally->found, walker->path.data, size) == 0 &&
          text_add(&walker->tally->found, "\0\0\0\0\0\0\0", padding) == 0) ||
         stamp_fail(walker->plan, ENOMEM, entry_path(walker));
}

static bool add_file(struct walker *walker, const struct stat *info,
                     int matches) {
  struct stamp_facts facts;
  facts.path_size = (uint32_t)(walker->path.size - sizeof facts);
  stamp_facts_of(&facts, info);
  memcpy(walker->path.data, &facts, sizeof facts);
  struct fingerprint stamp =
      fingerprint_of(walker->path.data, walker->path.size);
  for (int i = 0; i < matches; i++) {
    struct stamp_sum *sum = &walker->tally->sums[walker->matching[i]];
    fingerprint_add(&sum->stamp, stamp);
    sum->files++;
    sum->bytes += info->st_size;
    if (!sum->matched || facts.mtime_ns > sum->newest_ns)
      sum->newest_ns = facts.mtime_ns;
    sum->matched = true;
  }
  return !walker->plan->gather || gather(walker, &facts);
}

static void stamp_folder(struct walker *walker, int matches) {
  struct stamp_facts facts = {.mode = S_IFDIR};
  facts.path_size = (uint32_t)(walker->path.size - sizeof facts);
  memcpy(walker->path.data, &facts, sizeof facts);
  struct fingerprint stamp =
      fingerprint_of(walker->path.data, walker->path.size);
  for (int i = 0; i < matches; i++) {
    struct stamp_sum *sum = &walker->tally->sums[walker->matching[i]];
    fingerprint_add(&sum->stamp, stamp);
    sum->matched = true;
  }
}

/* A folder that a pattern names by more than `**` is found, and as new as it
 * is; when it was changed is in no stamp, and where folders do not count, what
 * it is called neither. */
static void add_folder(struct walker *walker, const char *name, int matches) {
  struct stat info;
  bool known = false;
  if (walker->plan->folders) stamp_folder(walker, matches);
  for (int i = 0; i < matches; i++) {
    int index = walker->matching[i];
    struct glob *glob = STAMP_SELECTION(walker->plan, index)->globs[0];
    struct stamp_sum *sum = &walker->tally->sums[index];
    if (glob->parts[glob->count - 1].any_depth) continue;
    if (!known && fstatat(walker->fd, name, &info, 0) != 0) return;
    known = true;
    struct stamp_facts facts;
    stamp_facts_of(&facts, &info);
    if (!sum->matched || facts.mtime_ns > sum->newest_ns)
      sum->newest_ns = facts.mtime_ns;
    sum->matched = true;
  }
}

static bool enter(struct walker *walker, int enters, bool linked) {
  int states = 0;
  for (int i = 0; i < enters; i++)
    states += STAMP_SELECTION(walker->plan, walker->entering[i])->glob_count;
  struct stamp_pending *pending =
      stamp_pending_new(enters, states, entry_path(walker),
                        walker->path.size - sizeof(struct stamp_facts));
  if (pending == NULL) return stamp_fail(walker->plan, ENOMEM, "");
  memcpy(pending->data, walker->states, states * sizeof(uint64_t));
  memcpy(selections_of(pending), walker->entering, enters * sizeof(int));
  pending->linked = linked || walker->folder->linked;
  pending->next = walker->found;
  walker->found = pending;
  return true;
}

/* Whether the folder that the link leads to is one that it lies in. */
static bool is_loop(struct walker *walker) {
  char here[PATH_MAX + 1], there[PATH_MAX + 1], link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", walker->fd);
  ssize_t size = readlink(link, here, PATH_MAX);
  if (size < 0) return true;
  here[size] = '\0';
  const char *name = strrchr(entry_path(walker), '/');
  name = name != NULL ? name + 1 : entry_path(walker);
  int fd = openat(walker->fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return true;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  size = readlink(link, there, PATH_MAX);
  close(fd);
  if (size < 0) return true;
  there[size] = '\0';
  return strncmp(here, there, size) == 0 &&
         (here[size] == '\0' || here[size] == '/' || size == 1);
}

/* A link is what it leads to. `**` follows one link on its way, not more, and
 * none that leads upwards: so every walk ends, and always in the same way. */
static bool follow(struct walker *walker, const char *name, int matches,
                   int enters) {
  struct stat info;
  if (fstatat(walker->fd, name, &info, 0) != 0) {
    if (!is_gone(errno)) stamp_note_error(walker, errno, entry_path(walker));
    if (fstatat(walker->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return true;
  }
  if (!S_ISDIR(info.st_mode))
    return matches == 0 || add_file(walker, &info, matches);
  add_folder(walker, name, matches);
  if (walker->folder->linked) step(walker, name, &matches, &enters, true);
  if (enters == 0 || is_loop(walker)) return true;
  return enter(walker, enters, true);
}

/* What orch remembers, here or of a project further down. */
static bool is_project_state(const char *name) {
  return strcmp(name, ".orch") == 0;
}

bool stamp_visit(struct walker *walker, const char *name, unsigned char type) {
  struct stat info;
  int matches, enters;
  if (is_project_state(name)) return true;
  step(walker, name, &matches, &enters, false);
  if (matches == 0 && (enters == 0 || type == DT_REG)) return true;
  size_t base = sizeof(struct stamp_facts) + walker->folder->path_size;
  walker->path.size = base;
  if (walker->folder->path_size > 0 && walker->path.data[base - 1] != '/' &&
      text_add(&walker->path, "/", 1) != 0)
    return stamp_fail(walker->plan, ENOMEM, name);
  if (text_add(&walker->path, name, strlen(name) + 1) != 0)
    return stamp_fail(walker->plan, ENOMEM, name);
  walker->path.size--;
  if (type == DT_LNK) return follow(walker, name, matches, enters);
  if (type != DT_DIR) {
    if (fstatat(walker->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (!is_gone(errno)) stamp_note_error(walker, errno, entry_path(walker));
      return true;
    }
    if (S_ISLNK(info.st_mode)) return follow(walker, name, matches, enters);
    if (!S_ISDIR(info.st_mode))
      return matches == 0 || add_file(walker, &info, matches);
  }
  add_folder(walker, name, matches);
  return enters == 0 || enter(walker, enters, false);
}
