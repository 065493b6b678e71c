/* A set of files (device, inode), to count or copy those with several names
 * once. No Lua. */
#ifndef ORCH_SEEN_H
#define ORCH_SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen {
  struct seen_slot {
    uint64_t device, inode;
  } * slots; /* inode 0: empty */
  size_t count, capacity;
};

/* 1: it was not in the set; 0: it was; -1: no memory. */
int seen_add(struct seen *seen, uint64_t device, uint64_t inode);
void seen_free(struct seen *seen);

#endif
