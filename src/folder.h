/* The entries of one folder, read whole and sorted by name (bytes): what list,
 * walk, copy and remove share. Blocking calls, no Lua: for pool threads. */
#ifndef ORCH_FOLDER_H
#define ORCH_FOLDER_H

#include <stddef.h>
#include <sys/stat.h>

struct entry {
  const char *name;   /* inside the folder's `names` */
  unsigned char type; /* DT_REG, DT_DIR, DT_LNK, ...; never DT_UNKNOWN */
};

struct folder {
  struct entry *entries;
  size_t count;
  char *names; /* one block for all of them */
};

/* Reads the folder open at `fd` and closes `fd`, also when it fails. Returns 0
 * or an errno; `folder` is to be freed in either case. */
int folder_read(struct folder *folder, int fd);
void folder_free(struct folder *folder);

/* "file", "folder", "link", "fifo", "socket", "device" or "unknown". */
const char *folder_type_name(unsigned char type);
unsigned char folder_type_of(mode_t mode);

/* Bytes that grow, for paths and packed results; freed with free(data). Both
 * return 0 or ENOMEM, and then leave what was there. */
struct text {
  char *data;
  size_t size, capacity;
};

int text_add(struct text *text, const void *bytes, size_t size);

/* Cuts back to `size`, then appends "/name" and a NUL that does not count. */
int text_set_name(struct text *text, size_t size, const char *name);

#endif
