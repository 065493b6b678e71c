/* The forms of all secrets and the search for them: by first byte, then byte by
 * byte, which is enough for a few dozens. Overlapping secrets are all covered.
 * No Lua here. */
#include "mask.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct form {
  struct form *next; /* older, that begins with the same byte */
  size_t number;
  size_t size;
  char text[];
};

static struct form *starting_with[256];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_size_t count;

size_t mask_count(void) {
  return atomic_load_explicit(&count, memory_order_relaxed);
}

bool mask_any(void) {
  return mask_count() > 0;
}

static bool is_known(const struct form *form, const char *text, size_t size) {
  for (; form; form = form->next)
    if (form->size == size && memcmp(form->text, text, size) == 0) return true;
  return false;
}

bool mask_add(const char *text, size_t size) {
  if (size < MASK_SHORTEST) return true;
  struct form *form = malloc(sizeof *form + size);
  if (!form) return false;
  form->size = size;
  memcpy(form->text, text, size);
  pthread_mutex_lock(&lock);
  struct form **first = &starting_with[(unsigned char)text[0]];
  bool known = is_known(*first, text, size);
  if (!known) {
    form->next = *first;
    form->number = atomic_fetch_add(&count, 1);
    *first = form;
  }
  pthread_mutex_unlock(&lock);
  if (known) free(form);
  return true;
}

void mask_forget(size_t left) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < 256; i++) {
    struct form *form;
    while ((form = starting_with[i]) && form->number >= left) {
      starting_with[i] = form->next;
      free(form);
    }
  }
  if (left < mask_count()) atomic_store(&count, left);
  pthread_mutex_unlock(&lock);
}

/* The size of the longest form at `text`, 0 for none; `partial`: the text may
 * go on to be a longer one. */
static size_t look(const char *text, size_t size, bool *partial) {
  size_t found = 0;
  *partial = false;
  const struct form *form = starting_with[(unsigned char)text[0]];
  for (; form; form = form->next) {
    size_t common = form->size < size ? form->size : size;
    if (memcmp(form->text, text, common) != 0) continue;
    if (form->size > size)
      *partial = true;
    else if (form->size > found)
      found = form->size;
  }
  return found;
}

static void put(struct mask_out *out, const char *text, size_t size) {
  memcpy(out->text + out->size, text, size);
  out->size += size;
}

size_t mask_run(const char *text, size_t size, bool more, size_t *covered,
                struct mask_out *out) {
  size_t cover = *covered, at = 0; /* cover: the end of the last secret */
  size_t clean = cover;            /* from here on nothing was put out yet */
  pthread_mutex_lock(&lock);
  for (; at < size; at++) {
    bool partial;
    size_t found = look(text + at, size - at, &partial);
    if (partial && more) break;
    if (found == 0) continue;
    if (at >= cover) {
      put(out, text + clean, at - clean);
      put(out, MASK_STARS, sizeof MASK_STARS - 1);
    }
    if (at + found > cover) cover = at + found;
    clean = cover;
  }
  pthread_mutex_unlock(&lock);
  if (at > clean) put(out, text + clean, at - clean);
  *covered = cover > at ? cover - at : 0;
  return at;
}
