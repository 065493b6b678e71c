/* The memory of a plan: texts that are freed all at once, lists that grow, and
 * maps from fingerprints to places in them. */
#ifndef ORCH_STAMP_MEMORY_H
#define ORCH_STAMP_MEMORY_H

#include "stamp.h"

void *stamp_allocate(struct stamp_plan *plan, size_t size);

/* The new item, zeroed; NULL without memory. */
void *stamp_list_add(struct stamp_list *list, size_t size);

/* The slot of the key, with place 0 when it is new and to be filled; NULL
 * without memory. */
struct stamp_slot *stamp_map_at(struct stamp_map *map, struct fingerprint key);

#endif
