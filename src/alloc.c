/* Lua says the size of what it frees, so small blocks need no header: a free
 * list for each size, cut from large chunks that are kept until the end of the
 * process. Tasks come and go in hundreds of thousands; malloc gives and takes
 * their memory to and from the system each time, which costs more than they
 * do. */
#include "alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEP 16
#define LARGEST 1024
#define CHUNK (64 * 1024)
#define CLASSES (LARGEST / STEP)

struct block {
  struct block *next;
};

static struct block *free_blocks[CLASSES];
static char *chunk;
static size_t chunk_left;

static bool is_small(size_t size) {
#ifdef __SANITIZE_ADDRESS__
  (void)size;
  return false; /* the sanitizer must see every block */
#else
  return size <= LARGEST;
#endif
}

static size_t class_of(size_t size) {
  return (size - 1) / STEP;
}

static void *take(size_t size) {
  size_t class = class_of(size);
  struct block *block = free_blocks[class];
  if (block) {
    free_blocks[class] = block->next;
    return block;
  }
  size = (class + 1) * STEP;
  if (chunk_left < size) { /* what is left of the old chunk is given up */
    chunk = malloc(CHUNK);
    chunk_left = chunk ? CHUNK : 0;
    if (!chunk) return NULL;
  }
  chunk_left -= size;
  return chunk + chunk_left;
}

static void give(void *ptr, size_t size) {
  struct block *block = ptr;
  block->next = free_blocks[class_of(size)];
  free_blocks[class_of(size)] = block;
}

static void *allocate(size_t size) {
  return is_small(size) ? take(size) : malloc(size);
}

static void release(void *ptr, size_t size) {
  if (is_small(size))
    give(ptr, size);
  else
    free(ptr);
}

void *alloc_lua(void *ud, void *ptr, size_t old_size, size_t new_size) {
  (void)ud;
  if (!ptr) return new_size ? allocate(new_size) : NULL;
  if (new_size == 0) {
    if (old_size) release(ptr, old_size);
    return NULL;
  }
  bool small = is_small(old_size) || is_small(new_size);
  if (!small) return realloc(ptr, new_size);
  if (is_small(old_size) && is_small(new_size) &&
      class_of(old_size) == class_of(new_size))
    return ptr;
  void *moved = allocate(new_size);
  if (!moved) /* Lua relies on shrinking never failing */
    return new_size < old_size ? ptr : NULL;
  memcpy(moved, ptr, old_size < new_size ? old_size : new_size);
  release(ptr, old_size);
  return moved;
}
