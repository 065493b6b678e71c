/* fs.size: what a tree weighs, as `du -sb` counts it: apparent sizes, folders
 * themselves included, a file with several names once. Threads share a stack of
 * folders; getdents64 and fstatat relative to the folder spare the kernel the
 * way from the root for every file. */
#include "error.h"
#include "fault.h"
#include "op.h"
#include "seen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS_MAX = 16, LISTING = 64 << 10 };

struct pending {
  struct pending *next;
  char path[];
};

struct totals {
  uint64_t bytes, files, folders, largest;
};

struct size_op {
  struct op_work work;
  struct fault fault;
  const char *path;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct pending *pending; /* folders nobody has read yet */
  int reading;             /* threads that may still find more */
  struct seen seen;        /* files with several names */
  struct totals totals;
};

/* --- the shared stack: an empty stack with nobody reading is the end --- */

static bool is_over(struct size_op *size) {
  return size->fault.error != 0 || op_work_stopped(&size->work) ||
         (size->pending == NULL && size->reading == 0);
}

static struct pending *take(struct size_op *size) {
  struct pending *folder = NULL;
  pthread_mutex_lock(&size->lock);
  while (!is_over(size) && size->pending == NULL)
    pthread_cond_wait(&size->changed, &size->lock);
  if (!is_over(size)) {
    folder = size->pending;
    size->pending = folder->next;
    size->reading++;
  }
  pthread_mutex_unlock(&size->lock);
  return folder;
}

/* What one folder added, and whether that ended the work. */
static void give_back(struct size_op *size, struct pending *found) {
  pthread_mutex_lock(&size->lock);
  struct pending *last = found;
  while (last != NULL && last->next != NULL) last = last->next;
  if (last != NULL) {
    last->next = size->pending;
    size->pending = found;
  }
  size->reading--;
  if (found != NULL || is_over(size)) pthread_cond_broadcast(&size->changed);
  pthread_mutex_unlock(&size->lock);
}

static bool fail(struct size_op *size, int error, const char *path) {
  pthread_mutex_lock(&size->lock);
  fault_set(&size->fault, error, "measure", path);
  pthread_mutex_unlock(&size->lock);
  return false;
}

static struct pending *join(const char *folder, const char *name) {
  size_t size = strlen(folder) + strlen(name) + 2;
  struct pending *pending = malloc(sizeof *pending + size);
  if (pending == NULL) return NULL;
  pending->next = NULL;
  snprintf(pending->path, size, "%s%s%s", folder, *name ? "/" : "", name);
  return pending;
}

/* --- one folder --- */

static bool is_first(struct size_op *size, const struct stat *info) {
  if (info->st_nlink < 2) return true;
  pthread_mutex_lock(&size->lock);
  int first = seen_add(&size->seen, info->st_dev, info->st_ino);
  if (first < 0) fault_set(&size->fault, ENOMEM, "measure", size->path);
  pthread_mutex_unlock(&size->lock);
  return first > 0;
}

static bool add_file(struct size_op *size, struct totals *totals,
                     const struct stat *info) {
  if (!is_first(size, info)) return true;
  totals->bytes += info->st_size;
  totals->files++;
  if ((uint64_t)info->st_size > totals->largest)
    totals->largest = info->st_size;
  return true;
}

static bool add_entry(struct size_op *size, struct totals *totals, int fd,
                      const char *folder, const struct dirent64 *entry,
                      struct pending **found) {
  struct stat info;
  if (entry->d_type != DT_DIR) {
    if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
      return errno == ENOENT || fail(size, errno, folder);
    if (!S_ISDIR(info.st_mode)) return add_file(size, totals, &info);
  }
  struct pending *pending = join(folder, entry->d_name);
  if (pending == NULL) return fail(size, ENOMEM, folder);
  pending->next = *found;
  *found = pending;
  return true;
}

static bool is_dots(const char *name) {
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool read_entries(struct size_op *size, struct totals *totals, int fd,
                         const char *folder, char *listing,
                         struct pending **found) {
  for (;;) {
    long got = syscall(SYS_getdents64, fd, listing, LISTING);
    if (got == 0) return true;
    if (got < 0) return fail(size, errno, folder);
    for (long at = 0; at < got;) {
      const struct dirent64 *entry = (const struct dirent64 *)(listing + at);
      at += entry->d_reclen;
      if (is_dots(entry->d_name)) continue;
      if (!add_entry(size, totals, fd, folder, entry, found)) return false;
    }
    if (op_work_stopped(&size->work)) return false;
  }
}

/* A folder that vanished meanwhile weighs nothing. */
static struct pending *measure_folder(struct size_op *size,
                                      struct totals *totals, const char *path,
                                      char *listing) {
  struct pending *found = NULL;
  struct stat info;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) != 0) {
    if (errno != ENOENT) fail(size, errno, path);
  } else {
    totals->bytes += info.st_size;
    totals->folders++;
    read_entries(size, totals, fd, path, listing, &found);
  }
  if (fd >= 0) close(fd);
  return found;
}

static void *measure(void *data) {
  struct size_op *size = data;
  struct totals totals = {0};
  char *listing = malloc(LISTING);
  if (listing == NULL) fail(size, ENOMEM, size->path);
  struct pending *folder;
  while ((folder = take(size)) != NULL) {
    give_back(size, measure_folder(size, &totals, folder->path, listing));
    free(folder);
  }
  free(listing);
  pthread_mutex_lock(&size->lock);
  size->totals.bytes += totals.bytes;
  size->totals.files += totals.files;
  size->totals.folders += totals.folders;
  if (totals.largest > size->totals.largest)
    size->totals.largest = totals.largest;
  pthread_cond_broadcast(&size->changed);
  pthread_mutex_unlock(&size->lock);
  return NULL;
}

/* --- the operation --- */

/* Without a second thread one does it all. */
static void measure_in_parallel(struct size_op *size) {
  pthread_t helpers[THREADS_MAX];
  long wanted = sysconf(_SC_NPROCESSORS_ONLN) - 1;
  int started = 0;
  if (wanted > THREADS_MAX) wanted = THREADS_MAX;
  while (started < wanted &&
         pthread_create(&helpers[started], NULL, measure, size) == 0)
    started++;
  measure(size);
  while (started > 0) pthread_join(helpers[--started], NULL);
}

/* The path itself may be a link: that one is followed. */
static void run_size(struct op_work *work) {
  struct size_op *size = (struct size_op *)work;
  struct stat info;
  char *real = NULL;
  if (stat(size->path, &info) != 0) {
    fault_set(&size->fault, errno, "measure", size->path);
  } else if (!S_ISDIR(info.st_mode)) {
    add_file(size, &size->totals, &info);
  } else if ((real = realpath(size->path, NULL)) == NULL ||
             (size->pending = join(real, "")) == NULL) {
    fault_set(&size->fault, errno, "measure", size->path);
  } else {
    measure_in_parallel(size);
  }
  free(real);
  while (size->pending != NULL) {
    struct pending *next = size->pending->next;
    free(size->pending);
    size->pending = next;
  }
  seen_free(&size->seen);
}

static void size_drop(struct op *op) {
  fault_clear(&((struct size_op *)op)->fault);
}

static int size_result(lua_State *L, struct op *op) {
  struct size_op *size = (struct size_op *)op;
  fault_check(L, &size->fault, size->path);
  lua_pushinteger(L, size->totals.bytes);
  lua_pushinteger(L, size->totals.files);
  lua_pushinteger(L, size->totals.folders);
  lua_pushinteger(L, size->totals.largest);
  return 4;
}

/* size(path) -> bytes, files, folders, bytes of the largest file */
static int size_measure(lua_State *L) {
  static const struct op_kind kind = {.name = "fs.size",
                                      .size = sizeof(struct size_op),
                                      .result = size_result,
                                      .cancel = op_work_cancel,
                                      .drop = size_drop};
  const char *path = luaL_checkstring(L, 1);
  struct size_op *size = op_new(L, &kind);
  size->path = path;
  pthread_mutex_init(&size->lock, NULL);
  pthread_cond_init(&size->changed, NULL);
  op_work_start(&size->work, run_size);
  return op_await(L, &size->work.op);
}

int luaopen_orch_core_size(lua_State *L);
int luaopen_orch_core_size(lua_State *L) {
  static const luaL_Reg functions[] = {{"measure", size_measure}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
