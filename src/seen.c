/* See seen.h: open addressing, at most half full. */
#include "seen.h"

#include <stdbool.h>
#include <stdlib.h>

static struct seen_slot *find(struct seen_slot *slots, size_t capacity,
                              uint64_t device, uint64_t inode) {
  size_t at = (inode ^ device << 32) * 0x9E3779B97F4A7C15u >> 20;
  for (;; at++) {
    struct seen_slot *slot = &slots[at & (capacity - 1)];
    bool same = slot->inode == inode && slot->device == device;
    if (slot->inode == 0 || same) return slot;
  }
}

static bool grow(struct seen *seen) {
  size_t capacity = seen->capacity ? seen->capacity * 2 : 64;
  struct seen_slot *slots = calloc(capacity, sizeof *slots);
  if (slots == NULL) return false;
  for (size_t i = 0; i < seen->capacity; i++) {
    struct seen_slot old = seen->slots[i];
    if (old.inode) *find(slots, capacity, old.device, old.inode) = old;
  }
  free(seen->slots);
  seen->slots = slots;
  seen->capacity = capacity;
  return true;
}

int seen_add(struct seen *seen, uint64_t device, uint64_t inode) {
  if (seen->count * 2 >= seen->capacity && !grow(seen)) return -1;
  struct seen_slot *slot = find(seen->slots, seen->capacity, device, inode);
  if (slot->inode != 0) return 0;
  *slot = (struct seen_slot){.device = device, .inode = inode};
  seen->count++;
  return 1;
}

void seen_free(struct seen *seen) {
  free(seen->slots);
  *seen = (struct seen){0};
}
