/* Reads /proc once for any number of trees. A pid could be used again between
 * that and the signal, within milliseconds and after a full turn of the pid
 * counter; the leader's own pid and group cannot, it is not reaped yet. */
#include "tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
  LONGEST_ENVIRONMENT = 4 << 20,
  KERNEL = 2, /* the parent of the kernel's own threads */
  PATIENCE = 20,
  PAUSE_US = 100,
};

struct process {
  pid_t pid, parent, group;
  unsigned long long born;
  size_t ids; /* of its ORCH_TREE in snapshot.ids; 0: none */
  bool zombie, member;
};

struct buffer {
  char *data;
  size_t size, capacity;
};

static struct {
  struct process *list; /* by pid, as /proc is sorted */
  size_t count, capacity;
  struct buffer ids;
  uint64_t taken_ns;
  int patience;
} snapshot;

static bool reserve(struct buffer *buffer, size_t more) {
  if (buffer->size + more <= buffer->capacity) return true;
  size_t capacity = buffer->capacity * 2 + more + 4096;
  char *data = realloc(buffer->data, capacity);
  if (data == NULL) return false;
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

/* The file's content with a NUL behind it; false: gone, or not ours to read. */
static bool read_whole(int folder, const char *path, struct buffer *into) {
  int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t got = -1;
  into->size = 0;
  while (into->size < LONGEST_ENVIRONMENT && reserve(into, 4096)) {
    got = read(fd, into->data + into->size, into->capacity - into->size - 1);
    if (got <= 0) break;
    into->size += got;
  }
  close(fd);
  if (got < 0) return false;
  into->data[into->size] = '\0';
  return true;
}

/* Where in snapshot.ids the value of ORCH_TREE now stands, or 0. */
static size_t keep_ids(const struct buffer *environment) {
  static const char name[] = TREE_VARIABLE "=";
  const char *end = environment->data + environment->size;
  const char *entry = environment->data;
  for (; entry < end; entry += strlen(entry) + 1) {
    if (strncmp(entry, name, sizeof name - 1) == 0) break;
  }
  if (entry >= end) return 0;
  entry += sizeof name - 1;
  struct buffer *ids = &snapshot.ids;
  size_t length = strlen(entry) + 1;
  if (ids->size == 0) ids->size = 1;
  if (!reserve(ids, length)) return 0;
  memcpy(ids->data + ids->size, entry, length);
  ids->size += length;
  return ids->size - length;
}

/* In the middle of an exec a process has no environment: looks again, a few
 * times per snapshot, since some have none for good. */
static bool read_environment(int folder, const char *path,
                             struct buffer *into) {
  while (read_whole(folder, path, into)) {
    if (into->size > 0) return true;
    if (snapshot.patience-- <= 0) return false;
    usleep(PAUSE_US);
  }
  return false;
}

static bool add_process(int folder, const char *pid, struct buffer *scratch) {
  char path[300], state;
  snprintf(path, sizeof path, "%s/stat", pid);
  if (!read_whole(folder, path, scratch)) return true;
  const char *name_end = strrchr(scratch->data, ')');
  struct process process = {.pid = atoi(pid)};
  if (name_end == NULL ||
      sscanf(name_end + 1,
             " %c %d %d" /* then 16 fields to the 22nd, its birth */
             " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
             " %llu",
             &state, &process.parent, &process.group, &process.born) != 4)
    return true;
  process.zombie = state == 'Z' || state == 'X';
  snprintf(path, sizeof path, "%s/environ", pid);
  if (!process.zombie && process.parent != KERNEL &&
      read_environment(folder, path, scratch))
    process.ids = keep_ids(scratch);
  if (snapshot.count == snapshot.capacity) {
    size_t capacity = snapshot.capacity * 2 + 256;
    void *list = realloc(snapshot.list, capacity * sizeof process);
    if (list == NULL) return false;
    snapshot.list = list;
    snapshot.capacity = capacity;
  }
  snapshot.list[snapshot.count++] = process;
  return true;
}

static void take_snapshot(void) {
  static struct buffer scratch;
  snapshot.count = snapshot.ids.size = 0;
  snapshot.taken_ns = uv_hrtime();
  snapshot.patience = PATIENCE;
  DIR *folder = opendir("/proc");
  if (folder == NULL) return;
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    if (!add_process(dirfd(folder), entry->d_name, &scratch)) break;
  }
  closedir(folder);
}

/* Ids are separated by colons, the outermost orch's first. */
static bool carries(const struct process *process, const char *id) {
  if (process->ids == 0) return false;
  const char *ids = snapshot.ids.data + process->ids;
  size_t length = strlen(id);
  for (const char *at = ids; (at = strstr(at, id)) != NULL; at++) {
    bool starts = at == ids || at[-1] == ':';
    if (starts && (at[length] == ':' || at[length] == '\0')) return true;
  }
  return false;
}

static bool is_member(pid_t pid) {
  size_t low = 0, high = snapshot.count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (snapshot.list[middle].pid == pid) return snapshot.list[middle].member;
    if (snapshot.list[middle].pid < pid)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

static bool is_known(const struct tree *tree, const struct process *process) {
  for (size_t i = 0; i < tree->known_count; i++)
    if (tree->known[i].pid == process->pid &&
        tree->known[i].born == process->born)
      return true;
  return false;
}

static bool grow_known(struct tree *tree) {
  if (tree->known_count < tree->known_capacity) return true;
  size_t capacity = tree->known_capacity * 2 + 8;
  void *known = realloc(tree->known, capacity * sizeof *tree->known);
  if (known == NULL) return false;
  tree->known = known;
  tree->known_capacity = capacity;
  return true;
}

static void remember(struct tree *tree, const struct process *process) {
  if (is_known(tree, process) || !grow_known(tree)) return;
  tree->known[tree->known_count++] =
      (struct tree_member){process->pid, process->born};
}

void tree_forget(struct tree *tree) {
  free(tree->known);
  tree->known = NULL;
  tree->known_count = tree->known_capacity = 0;
}

static void mark_members(const struct tree *tree) {
  for (size_t i = 0; i < snapshot.count; i++) {
    struct process *process = &snapshot.list[i];
    process->member = process->pid == tree->leader ||
                      (tree->group && process->group == tree->group) ||
                      is_known(tree, process) || carries(process, tree->id);
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < snapshot.count; i++) {
      struct process *process = &snapshot.list[i];
      if (process->member || !is_member(process->parent)) continue;
      process->member = changed = true;
    }
  }
}

/* A stopped process acts on nothing but SIGKILL until it is continued. */
static void send_signal(pid_t pid, int signal) {
  kill(pid, signal);
  if (signal == SIGTERM) kill(pid, SIGCONT);
}

int tree_signal(struct tree *tree, int signal, uint64_t since_ns) {
  if (snapshot.taken_ns == 0 || snapshot.taken_ns < since_ns) take_snapshot();
  mark_members(tree);
  if (signal != 0)
    send_signal(tree->group ? -tree->group : tree->leader, signal);
  int living = 0;
  for (size_t i = 0; i < snapshot.count; i++) {
    const struct process *process = &snapshot.list[i];
    if (!process->member || process->zombie) continue;
    if (process->pid == tree->leader) continue;
    living++;
    if (tree->group && process->group == tree->group) continue;
    remember(tree, process);
    if (signal != 0) send_signal(process->pid, signal);
  }
  return living;
}
