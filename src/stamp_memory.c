/* See stamp_memory.h. */
#include "stamp_memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* --- memory that is freed all at once --- */

enum { CHUNK = 64 << 10 };

struct stamp_chunk {
  struct stamp_chunk *next;
  size_t used, size;
  max_align_t bytes[];
};

void *stamp_allocate(struct stamp_plan *plan, size_t size) {
  size = (size + 7) & ~(size_t)7;
  struct stamp_chunk *chunk = plan->chunks;
  if (chunk == NULL || chunk->size - chunk->used < size) {
    size_t room = size > CHUNK ? size : CHUNK;
    chunk = malloc(sizeof *chunk + room);
    if (chunk == NULL) return NULL;
    *chunk = (struct stamp_chunk){.next = plan->chunks, .size = room};
    plan->chunks = chunk;
  }
  void *bytes = (char *)chunk->bytes + chunk->used;
  chunk->used += size;
  return bytes;
}

const char *stamp_keep(struct stamp_plan *plan, const char *text, size_t size) {
  char *copy = stamp_allocate(plan, size + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, text, size);
  copy[size] = '\0';
  return copy;
}

void *stamp_list_add(struct stamp_list *list, size_t size) {
  if (list->count == list->capacity) {
    int capacity = list->capacity ? list->capacity * 2 : 64;
    void *items = realloc(list->items, capacity * size);
    if (items == NULL) return NULL;
    list->items = items;
    list->capacity = capacity;
  }
  return memset((char *)list->items + list->count++ * size, 0, size);
}

static struct stamp_slot *map_find(struct stamp_slot *slots, size_t capacity,
                                   struct fingerprint key) {
  for (size_t at = key.low;; at++) {
    struct stamp_slot *slot = &slots[at & (capacity - 1)];
    if (slot->place == 0 ||
        (slot->key.low == key.low && slot->key.high == key.high))
      return slot;
  }
}

static bool map_grow(struct stamp_map *map) {
  size_t capacity = map->capacity ? map->capacity * 2 : 256;
  struct stamp_slot *slots = calloc(capacity, sizeof *slots);
  if (slots == NULL) return false;
  for (size_t i = 0; i < map->capacity; i++)
    if (map->slots[i].place != 0)
      *map_find(slots, capacity, map->slots[i].key) = map->slots[i];
  free(map->slots);
  map->slots = slots;
  map->capacity = capacity;
  return true;
}

struct stamp_slot *stamp_map_at(struct stamp_map *map, struct fingerprint key) {
  if (map->count * 2 >= map->capacity && !map_grow(map)) return NULL;
  struct stamp_slot *slot = map_find(map->slots, map->capacity, key);
  if (slot->place == 0) map->count++;
  slot->key = key;
  return slot;
}

void stamp_plan_init(struct stamp_plan *plan, const char *root,
                     volatile int *stop) {
  plan->root = root;
  plan->stop = stop;
  plan->root_fd = -1;
  pthread_mutex_init(&plan->lock, NULL);
  pthread_cond_init(&plan->changed, NULL);
}

void stamp_plan_free(struct stamp_plan *plan) {
  while (plan->chunks != NULL) {
    struct stamp_chunk *next = plan->chunks->next;
    free(plan->chunks);
    plan->chunks = next;
  }
  for (int i = 0; i < plan->selections.count; i++)
    free(STAMP_SELECTION(plan, i)->error_path);
  for (int i = 0; i < STAMP_THREADS; i++) {
    free(plan->tallies[i].sums);
    free(plan->tallies[i].found.data);
  }
  free(plan->literals.items);
  free(plan->selections.items);
  free(plan->items.items);
  free(plan->groups.items);
  free(plan->literal_map.slots);
  free(plan->selection_map.slots);
  free(plan->base_map.slots);
  fault_clear(&plan->fault);
  *plan = (struct stamp_plan){.root_fd = -1};
}
