/* See litter.h; replace.c makes the names and the locks that are read here. */
#include "litter.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum { FOLDERS = 64, REST = 10 /* times as long as a look took */ };

/* Folders that were looked at lately; a collision only means a look more. */
static struct look {
  dev_t dev;
  ino_t ino;
  uint64_t again_ns;
} looks[FOLDERS];
static pthread_mutex_t looks_lock = PTHREAD_MUTEX_INITIALIZER;

static struct look *slot_of(const struct stat *info) {
  return &looks[(info->st_ino ^ info->st_dev) % FOLDERS];
}

static bool is_due(const struct stat *info, uint64_t now) {
  pthread_mutex_lock(&looks_lock);
  struct look *look = slot_of(info);
  bool due = look->ino != info->st_ino || look->dev != info->st_dev ||
             now >= look->again_ns;
  pthread_mutex_unlock(&looks_lock);
  return due;
}

static void set_due(const struct stat *info, uint64_t due) {
  pthread_mutex_lock(&looks_lock);
  *slot_of(info) =
      (struct look){.dev = info->st_dev, .ino = info->st_ino, .again_ns = due};
  pthread_mutex_unlock(&looks_lock);
}

static bool is_temporary(const char *name) {
  size_t size = strlen(name);
  return name[0] == '.' && size > 10 && strcmp(name + size - 4, ".tmp") == 0 &&
         strstr(name, ".orch-") != NULL;
}

/* Its writer holds a lock on it as long as it lives. */
static void remove_dead(int folder, const char *name) {
  int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlinkat(folder, name, 0);
  close(fd);
}

void litter_clear(int folder) {
  struct stat info;
  uint64_t start = uv_hrtime();
  if (fstat(folder, &info) != 0 || !is_due(&info, start)) return;
  int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (dir == NULL) {
    if (fd >= 0) close(fd);
    return;
  }
  struct dirent *entry;
  while ((entry = readdir(dir)) != NULL)
    if (is_temporary(entry->d_name)) remove_dead(folder, entry->d_name);
  closedir(dir);
  uint64_t end = uv_hrtime();
  set_due(&info, end + REST * (end - start));
}
