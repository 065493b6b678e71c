/* The forms of all secrets and the search for them: by their first four bytes,
 * so that some thousands of forms cost a look at each byte, and by the first
 * one where a text ends before that. Overlapping secrets are all covered. No
 * Lua here. */
#include "mask.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct form {
  struct form *next;    /* older, in the same bucket */
  struct form *sibling; /* older, that begins with the same byte */
  size_t number;
  size_t size;
  char text[];
};

static struct form *buckets[BUCKETS];
static struct form *starting_with[256];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_size_t count;

size_t mask_count(void) {
  return atomic_load_explicit(&count, memory_order_relaxed);
}

bool mask_any(void) {
  return mask_count() > 0;
}

static struct form **bucket_of(const char *text) {
  uint32_t four;
  static_assert(sizeof four == MASK_SHORTEST, "no form is shorter");
  memcpy(&four, text, sizeof four);
  return &buckets[four * 2654435761u >> 20];
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
  struct form **bucket = bucket_of(text);
  struct form **first = &starting_with[(unsigned char)text[0]];
  bool known = is_known(*bucket, text, size);
  if (!known) {
    form->next = *bucket;
    form->sibling = *first;
    form->number = atomic_fetch_add(&count, 1);
    *bucket = *first = form;
  }
  pthread_mutex_unlock(&lock);
  if (known) free(form);
  return true;
}

void mask_forget(size_t left) {
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < BUCKETS; i++)
    while (buckets[i] && buckets[i]->number >= left)
      buckets[i] = buckets[i]->next;
  for (size_t i = 0; i < 256; i++) {
    struct form *form;
    while ((form = starting_with[i]) && form->number >= left) {
      starting_with[i] = form->sibling;
      free(form);
    }
  }
  if (left < mask_count()) atomic_store(&count, left);
  pthread_mutex_unlock(&lock);
}

/* Whether a text of fewer than four bytes may go on to be a form. */
static bool begins_one(const char *text, size_t size) {
  const struct form *form = starting_with[(unsigned char)text[0]];
  while (form && memcmp(form->text, text, size) != 0) form = form->sibling;
  return form != NULL;
}

/* The size of the longest form at `text`, 0 for none; `partial`: the text may
 * go on to be a longer one. */
static size_t look(const char *text, size_t size, bool *partial) {
  size_t found = 0;
  *partial = size < MASK_SHORTEST && begins_one(text, size);
  if (size < MASK_SHORTEST) return 0;
  const struct form *form = *bucket_of(text);
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
