/* A list of blocks for each thread that is at work. */
#include "image_arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
  struct arena_block *next, *prev;
  size_t size;
  size_t padding; /* what follows is aligned to 16 bytes */
};

static _Thread_local struct arena *current;

static _Noreturn void leave(enum arena_end end) {
  longjmp(current->out, (int)end);
}

void arena_refuse(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(current->text, sizeof current->text, format, arguments);
  va_end(arguments);
  leave(ARENA_BROKEN);
}

void arena_say_foreign(void) {
  current->foreign = true;
}

void arena_give_up(void) {
  leave(ARENA_MEMORY);
}

bool arena_is_stopped(void) {
  return op_work_stopped(current->work);
}

void arena_check(void) {
  if (arena_is_stopped()) leave(ARENA_STOPPED);
}

void arena_allow(size_t size) {
  current->allowed = size;
}

static void take_out(struct arena_block *block) {
  if (block->prev)
    block->prev->next = block->next;
  else
    current->blocks = block->next;
  if (block->next) block->next->prev = block->prev;
  current->used -= block->size;
}

static void put_in(struct arena_block *block, size_t size) {
  block->size = size;
  block->prev = NULL;
  block->next = current->blocks;
  if (block->next) block->next->prev = block;
  current->blocks = block;
  current->used += size;
}

static void check_room(size_t size, size_t old) {
  arena_check();
  if (size > SIZE_MAX / 2) leave(ARENA_MEMORY);
  if (current->used - old + size > current->allowed)
    arena_refuse("unpacks to more than its header says");
}

void *arena_alloc(size_t size) {
  check_room(size, 0);
  struct arena_block *block = malloc(sizeof *block + size);
  if (!block) leave(ARENA_MEMORY);
  put_in(block, size);
  return block + 1;
}

void *arena_realloc(void *data, size_t size) {
  if (!data) return arena_alloc(size);
  struct arena_block *block = (struct arena_block *)data - 1;
  check_room(size, block->size);
  take_out(block);
  struct arena_block *larger = realloc(block, sizeof *block + size);
  if (!larger) {
    put_in(block, block->size);
    leave(ARENA_MEMORY);
  }
  put_in(larger, size);
  return larger + 1;
}

void arena_free(void *data) {
  if (!data) return;
  struct arena_block *block = (struct arena_block *)data - 1;
  take_out(block);
  free(block);
}

void *arena_keep(void *data) {
  if (data) take_out((struct arena_block *)data - 1);
  return data;
}

void arena_drop(void *data) {
  if (data) free((struct arena_block *)data - 1);
}

void arena_add(struct arena_bytes *bytes, const void *data, size_t size) {
  if (size == 0) return;
  if (bytes->room - bytes->size < size) {
    size_t room = bytes->room + bytes->room / 2 + size + 4096;
    bytes->data = arena_realloc(bytes->data, room);
    bytes->room = room;
  }
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

bool arena_try_add(struct arena_bytes *bytes, const void *data, size_t size) {
  struct arena_block *block = malloc(sizeof *block + size);
  if (!block) return false;
  put_in(block, size);
  *bytes = (struct arena_bytes){(unsigned char *)(block + 1), size, size};
  memcpy(bytes->data, data, size);
  return true;
}

static void free_blocks(struct arena *arena) {
  while (arena->blocks) arena_free(arena->blocks + 1);
}

enum arena_end arena_run(struct arena *arena, void (*run)(void *data),
                         void *data) {
  current = arena;
  arena->allowed = SIZE_MAX / 2;
  int end = setjmp(arena->out);
  if (end == ARENA_DONE) run(data);
  free_blocks(arena);
  current = NULL;
  return (enum arena_end)end;
}
