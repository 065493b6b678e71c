/* See folder.h. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int text_add(struct text *text, const void *bytes, size_t size) {
  if (size == 0) return 0;
  if (text->capacity - text->size < size) {
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity - text->size < size) capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (data == NULL) return ENOMEM;
    text->data = data;
    text->capacity = capacity;
  }
  memcpy(text->data + text->size, bytes, size);
  text->size += size;
  return 0;
}

int text_set_name(struct text *text, size_t size, const char *name) {
  text->size = size;
  bool slash = size > 0 && text->data[size - 1] != '/';
  if (slash && text_add(text, "/", 1) != 0) return ENOMEM;
  if (text_add(text, name, strlen(name) + 1) != 0) return ENOMEM;
  text->size--;
  return 0;
}

unsigned char folder_type_of(mode_t mode) {
  return IFTODT(mode);
}

const char *folder_type_name(unsigned char type) {
  switch (type) {
  case DT_REG:
    return "file";
  case DT_DIR:
    return "folder";
  case DT_LNK:
    return "link";
  case DT_FIFO:
    return "fifo";
  case DT_SOCK:
    return "socket";
  case DT_CHR:
  case DT_BLK:
    return "device";
  default:
    return "unknown";
  }
}

static bool is_dots(const char *name) {
  return name[0] == '.' &&
         (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Some file systems do not tell the type in the listing. */
static unsigned char look_up_type(int fd, const char *name) {
  struct stat info;
  if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return DT_REG;
  return folder_type_of(info.st_mode);
}

/* Until all names are in, an entry holds its name's offset: the block moves. */
static int read_names(DIR *dir, struct folder *folder, struct text *names,
                      struct text *entries) {
  for (;;) {
    errno = 0;
    struct dirent *found = readdir(dir);
    if (found == NULL) return errno;
    if (is_dots(found->d_name)) continue;
    struct entry entry = {.name = (const char *)(uintptr_t)names->size,
                          .type = found->d_type};
    if (entry.type == DT_UNKNOWN)
      entry.type = look_up_type(dirfd(dir), found->d_name);
    if (text_add(names, found->d_name, strlen(found->d_name) + 1) != 0 ||
        text_add(entries, &entry, sizeof entry) != 0)
      return ENOMEM;
    folder->count++;
  }
}

static int by_name(const void *a, const void *b) {
  const struct entry *left = a, *right = b;
  return strcmp(left->name, right->name);
}

int folder_read(struct folder *folder, int fd) {
  struct text names = {0}, entries = {0};
  *folder = (struct folder){0};
  DIR *dir = fdopendir(fd);
  if (dir == NULL) {
    int error = errno;
    close(fd);
    return error;
  }
  int error = read_names(dir, folder, &names, &entries);
  closedir(dir);
  folder->names = names.data;
  folder->entries = (struct entry *)entries.data;
  if (error != 0) return error;
  for (size_t i = 0; i < folder->count; i++)
    folder->entries[i].name = names.data + (uintptr_t)folder->entries[i].name;
  if (folder->count > 1)
    qsort(folder->entries, folder->count, sizeof *folder->entries, by_name);
  return 0;
}

void folder_free(struct folder *folder) {
  free(folder->entries);
  free(folder->names);
  *folder = (struct folder){0};
}
