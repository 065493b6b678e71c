/* fs.walk and fs.glob: a tree, parents before what is in them, each folder
 * sorted by name. The walk is a value that stops after every batch, so that a
 * slow reader never has more than a batch in memory. */
#include "error.h"
#include "fault.h"
#include "folder.h"
#include "glob.h"
#include "op.h"
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct walk_frame *top_of(struct walk *walk) {
  return walk->depth > 0 ? &walk->frames[walk->depth - 1] : NULL;
}

static void pop_frame(struct walk *walk) {
  struct walk_frame *frame = top_of(walk);
  folder_free(&frame->folder);
  free(frame->states);
  walk->depth--;
}

void walk_free(struct walk *walk) {
  while (walk->depth > 0) pop_frame(walk);
  free(walk->frames);
  free(walk->path.data);
  free(walk->globs);
  free(walk->below);
  walk->frames = NULL;
  walk->path.data = NULL;
  walk->globs = NULL;
  walk->below = NULL;
}

static bool fail(struct walk *walk, int error) {
  return fault_set(&walk->fault, error, "list", walk->path.data);
}

static bool add_frame(struct walk *walk) {
  if (walk->depth == walk->capacity) {
    int capacity = walk->capacity ? walk->capacity * 2 : 16;
    struct walk_frame *frames =
        realloc(walk->frames, capacity * sizeof *frames);
    if (frames == NULL) return fail(walk, ENOMEM);
    walk->frames = frames;
    walk->capacity = capacity;
  }
  size_t size = walk->glob_count * sizeof(uint64_t);
  uint64_t *states = malloc(size + 1);
  if (states == NULL) return fail(walk, ENOMEM);
  if (size > 0) memcpy(states, walk->below, size);
  walk->frames[walk->depth++] =
      (struct walk_frame){.states = states, .path_size = walk->path.size};
  return true;
}

/* Through links a folder can be inside itself. */
static bool is_loop(struct walk *walk, const struct stat *info) {
  for (int i = 0; i + 1 < walk->depth; i++)
    if (walk->frames[i].inode == info->st_ino &&
        walk->frames[i].device == info->st_dev)
      return true;
  return false;
}

/* What is gone, or is a link to something else than a folder, has no entries;
 * but the root has to be there, unless the walk is for patterns. */
static bool may_be_missing(struct walk *walk, int error) {
  bool is_root = walk->depth == 1;
  if (error == ENOENT || error == ENOTDIR || error == ELOOP)
    return !is_root || walk->missing_ok;
  return error == EACCES && walk->skip_unreadable;
}

/* Enters the folder at `walk->path`, whose states are in `walk->below`. */
static bool enter(struct walk *walk) {
  struct stat info;
  if (!add_frame(walk)) return false;
  struct walk_frame *frame = top_of(walk);
  int fd = open(walk->path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 || fstat(fd, &info) != 0 ? errno : 0;
  if (error == 0) {
    frame->device = info.st_dev;
    frame->inode = info.st_ino;
    if (is_loop(walk, &info))
      close(fd);
    else
      error = folder_read(&frame->folder, fd);
  } else if (fd >= 0) {
    close(fd);
  }
  if (error == 0 || may_be_missing(walk, error)) return true;
  if (error == ENOTDIR)
    return fault_say(&walk->fault, error, "walk", walk->path.data,
                     "it is not a folder");
  return fail(walk, error);
}

/* Steps all patterns over `name`. False: an exclusion matched. */
static bool step(struct walk *walk, const uint64_t *states, const char *name,
                 bool *matches, bool *enters, bool through_link) {
  bool picky = walk->include_count > 0;
  *matches = *enters = !picky;
  for (int i = 0; i < walk->glob_count; i++) {
    const struct glob *glob = &walk->globs[i];
    uint64_t state = glob_step(glob, states[i], name, false);
    bool is_match = glob_is_match(glob, state);
    if (i >= walk->include_count) {
      if (is_match) return false;
    } else {
      *matches = *matches || is_match;
      if (through_link) state = glob_step(glob, states[i], name, true);
      *enters = *enters || glob_can_match_below(glob, state);
    }
    walk->below[i] = state;
  }
  return true;
}

static bool add_found(struct walk *walk, struct walk_batch *batch,
                      unsigned char type, const struct stat *info) {
  const char *path = walk->path.data + walk->root_size;
  path += *path == '/';
  struct walk_found found = {.type = type, .depth = walk->depth};
  found.path_size = (uint32_t)(walk->path.data + walk->path.size - path);
  if (info != NULL) {
    found.size = info->st_size;
    found.mode = info->st_mode & 07777;
    found.mtime = (double)info->st_mtim.tv_sec + info->st_mtim.tv_nsec / 1e9;
  }
  size_t before = batch->found.size;
  if (text_add(&batch->found, &found, sizeof found) != 0 ||
      text_add(&batch->found, path, found.path_size + 1) != 0) {
    batch->found.size = before;
    return fail(walk, ENOMEM);
  }
  batch->count++;
  return true;
}

/* Size and time are of what a link points to only when links are followed. */
static bool look_at(struct walk *walk, unsigned char *type, struct stat *info,
                    bool *known) {
  bool follow = walk->follow && *type == DT_LNK;
  *known = false;
  if (!follow && !walk->want_stat) return true;
  *known = (follow && stat(walk->path.data, info) == 0) ||
           lstat(walk->path.data, info) == 0;
  if (*known) *type = folder_type_of(info->st_mode);
  return *known || errno == ENOENT || fail(walk, errno);
}

static bool visit(struct walk *walk, struct walk_batch *batch,
                  const struct entry *entry) {
  struct walk_frame *frame = top_of(walk);
  struct stat info;
  bool matches, enters, known;
  unsigned char type = entry->type;
  if (!walk->hidden && entry->name[0] == '.') return true;
  if (text_set_name(&walk->path, frame->path_size, entry->name) != 0)
    return fail(walk, ENOMEM);
  if (!look_at(walk, &type, &info, &known)) return false;
  if (walk->want_stat && !known) return true; /* gone meanwhile */
  bool is_link = type == DT_LNK;
  if (!step(walk, frame->states, entry->name, &matches, &enters, is_link))
    return true;
  if (matches && (walk->type == 0 || walk->type == type) &&
      !add_found(walk, batch, type, known ? &info : NULL))
    return false;
  if (walk->max_depth > 0 && walk->depth >= walk->max_depth) return true;
  bool may_enter = type == DT_DIR || (is_link && walk->include_count > 0);
  return !may_enter || !enters || enter(walk);
}

void walk_run(struct walk *walk, struct walk_batch *batch, size_t limit,
              struct op_work *work) {
  if (!walk->started) {
    walk->started = true;
    enter(walk);
  }
  while (walk->depth > 0 && batch->count < limit && walk->fault.error == 0 &&
         !op_work_stopped(work)) {
    struct walk_frame *frame = top_of(walk);
    if (frame->next < frame->folder.count)
      visit(walk, batch, &frame->folder.entries[frame->next++]);
    else
      pop_frame(walk);
  }
  walk->over = walk->depth == 0;
}
