/* See stamp.h: from patterns to what has to be looked at, each of it once. */
#include "stamp.h"

#include <errno.h>
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

/* The new item, zeroed; NULL without memory. */
static void *list_add(struct stamp_list *list, size_t size) {
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

/* The slot of the key, with place 0 when it is new and to be filled; NULL
 * without memory. */
static struct stamp_slot *map_at(struct stamp_map *map,
                                 struct fingerprint key) {
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

/* --- exclusions --- */

enum { NAME = 4096 };

/* Steps over each component of `path`. True: one of them matched, and with it
 * all below. */
static bool step_path(const struct glob *glob, uint64_t *state,
                      const char *path) {
  char name[NAME];
  while (*path != '\0') {
    size_t size = strcspn(path, "/");
    if (size > 0 && size < sizeof name) {
      memcpy(name, path, size);
      name[size] = '\0';
      *state = glob_step(glob, *state, name, false);
      if (glob_is_match(glob, *state)) return true;
    }
    path += size + (path[size] == '/');
  }
  return false;
}

/* The usual exclusion is the path of an output, as it is. */
static bool excludes_path(const char *exclude, const char *path) {
  if (exclude[strcspn(exclude, "*?[\\")] == '\0') {
    size_t size = strlen(exclude);
    return strncmp(exclude, path, size) == 0 &&
           (path[size] == '\0' || path[size] == '/');
  }
  struct glob glob;
  if (!glob_compile(&glob, exclude)) return false;
  uint64_t state = glob_start(&glob);
  return step_path(&glob, &state, path);
}

static bool is_excluded(const char **excludes, const char *path) {
  for (; *excludes != NULL; excludes++)
    if (excludes_path(*excludes, path)) return true;
  return false;
}

/* --- selections --- */

/* Only what it uses: most have two parts of the sixty that would fit. */
static struct glob *keep_glob(struct stamp_plan *plan,
                              const struct glob *from) {
  size_t size =
      offsetof(struct glob, parts) + from->count * sizeof from->parts[0];
  struct glob *glob = stamp_allocate(plan, size);
  if (glob != NULL) memcpy(glob, from, size);
  return glob;
}

/* A selection until it is known whether there is one like it. */
struct draft {
  const char *base, *include;
  const char **excludes;
  int exclude_count;
};

/* An exclusion that cannot match below the base is none of the selection's:
 * so jobs with outputs of their own share the walk over common inputs. */
static int draft_excludes(struct stamp_plan *plan, struct draft *draft,
                          const char **excludes) {
  int count = 0;
  while (excludes[count] != NULL) count++;
  draft->excludes = stamp_allocate(plan, count * sizeof *excludes);
  if (draft->excludes == NULL) return ENOMEM;
  for (; *excludes != NULL; excludes++) {
    struct glob glob;
    if (!glob_compile(&glob, *excludes)) return E2BIG;
    uint64_t state = glob_start(&glob);
    step_path(&glob, &state, draft->base);
    if (glob_can_match_below(&glob, state))
      draft->excludes[draft->exclude_count++] = *excludes;
  }
  return 0;
}

static int draft_key(const struct draft *draft, struct fingerprint *key) {
  struct text text = {0};
  int error = text_add(&text, draft->base, strlen(draft->base) + 1);
  if (error == 0)
    error = text_add(&text, draft->include, strlen(draft->include) + 1);
  for (int i = 0; i < draft->exclude_count && error == 0; i++)
    error = text_add(&text, draft->excludes[i], strlen(draft->excludes[i]) + 1);
  if (error == 0) *key = fingerprint_of(text.data, text.size);
  free(text.data);
  return error;
}

static int add_glob(struct stamp_plan *plan, struct stamp_selection *selection,
                    const char *pattern, const char *base) {
  struct glob glob;
  if (!glob_compile(&glob, pattern)) return E2BIG;
  uint64_t state = glob_start(&glob);
  step_path(&glob, &state, base);
  struct glob *kept = keep_glob(plan, &glob);
  if (kept == NULL) return ENOMEM;
  selection->globs[selection->glob_count] = kept;
  selection->states[selection->glob_count++] = state;
  return 0;
}

/* Selections with the same base hang on the first one. */
static int link_base(struct stamp_plan *plan, int at) {
  struct stamp_selection *selection = STAMP_SELECTION(plan, at);
  struct stamp_slot *slot =
      map_at(&plan->base_map,
             fingerprint_of(selection->base, strlen(selection->base)));
  if (slot == NULL) return ENOMEM;
  selection->is_first = slot->place == 0;
  selection->next_same_base = -1;
  if (selection->is_first) {
    slot->place = at + 1;
    return 0;
  }
  struct stamp_selection *first = STAMP_SELECTION(plan, slot->place - 1);
  selection->next_same_base = first->next_same_base;
  first->next_same_base = at;
  return 0;
}

static int add_selection(struct stamp_plan *plan, const struct draft *draft) {
  struct stamp_selection *selection =
      list_add(&plan->selections, sizeof *selection);
  if (selection == NULL) return ENOMEM;
  int count = 1 + draft->exclude_count;
  selection->base = draft->base;
  selection->globs = stamp_allocate(plan, count * sizeof *selection->globs);
  selection->states = stamp_allocate(plan, count * sizeof *selection->states);
  if (selection->globs == NULL || selection->states == NULL) return ENOMEM;
  int error = add_glob(plan, selection, draft->include, "");
  for (int i = 0; i < draft->exclude_count && error == 0; i++)
    error = add_glob(plan, selection, draft->excludes[i], draft->base);
  return error != 0 ? error : link_base(plan, plan->selections.count - 1);
}

static int find_selection(struct stamp_plan *plan, const char *base,
                          const char *include, const char **excludes,
                          int *found) {
  struct fingerprint key;
  struct draft draft = {.base = base, .include = include};
  int error = draft_excludes(plan, &draft, excludes);
  if (error == 0) error = draft_key(&draft, &key);
  if (error != 0) return error;
  struct stamp_slot *slot = map_at(&plan->selection_map, key);
  if (slot == NULL) return ENOMEM;
  if (slot->place == 0) {
    error = add_selection(plan, &draft);
    slot->place = plan->selections.count;
  }
  *found = slot->place - 1;
  return error;
}

/* --- groups --- */

static struct stamp_group *last_group(struct stamp_plan *plan) {
  return STAMP_GROUP(plan, plan->groups.count - 1);
}

int stamp_group_open(struct stamp_plan *plan, const char **excludes) {
  struct stamp_group *group = list_add(&plan->groups, sizeof *group);
  if (group == NULL) return ENOMEM;
  group->first_item = plan->items.count;
  group->excludes = excludes;
  return 0;
}

static int find_literal(struct stamp_plan *plan, const char *path, size_t size,
                        int *found) {
  struct stamp_slot *slot =
      map_at(&plan->literal_map, fingerprint_of(path, size));
  if (slot == NULL) return ENOMEM;
  if (slot->place == 0) {
    struct stamp_literal *literal = list_add(&plan->literals, sizeof *literal);
    if (literal == NULL) return ENOMEM;
    literal->path = stamp_keep(plan, path, size);
    literal->facts.path_size = (uint32_t)size;
    if (literal->path == NULL) return ENOMEM;
    slot->place = plan->literals.count;
  }
  *found = slot->place - 1;
  return 0;
}

/* The folders before the first wildcard are the base. */
static size_t base_size(const char *pattern) {
  size_t wild = strcspn(pattern, "*?[\\"), size = 0;
  for (size_t i = 0; i < wild; i++)
    if (pattern[i] == '/') size = i;
  return size;
}

int stamp_group_add(struct stamp_plan *plan, const char *pattern, size_t size) {
  struct stamp_group *group = last_group(plan);
  struct stamp_item item = {.literal = -1, .selection = -1};
  int error = 0;
  if (pattern[strcspn(pattern, "*?[\\")] == '\0') {
    if (is_excluded(group->excludes, pattern)) return 0;
    error = find_literal(plan, pattern, size, &item.literal);
    if (error == 0) item.text = STAMP_LITERAL(plan, item.literal)->path;
  } else {
    size_t base = base_size(pattern), rest = base + (pattern[base] == '/');
    item.text = stamp_keep(plan, pattern, size);
    const char *folder = stamp_keep(plan, pattern, base + (base == 0 && rest));
    if (item.text == NULL || folder == NULL) return ENOMEM;
    if (is_excluded(group->excludes, folder)) return 0;
    error = find_selection(plan, folder, item.text + rest, group->excludes,
                           &item.selection);
  }
  struct stamp_item *added = error ? NULL : list_add(&plan->items, sizeof item);
  if (added == NULL) return error ? error : ENOMEM;
  *added = item;
  group->item_count++;
  return 0;
}

int stamp_expand_folders(struct stamp_plan *plan) {
  for (int i = 0; i < plan->groups.count; i++) {
    struct stamp_group *group = STAMP_GROUP(plan, i);
    for (int n = 0; n < group->item_count; n++) {
      struct stamp_item *item = STAMP_ITEM(plan, group->first_item + n);
      if (item->literal < 0) continue;
      struct stamp_literal *literal = STAMP_LITERAL(plan, item->literal);
      if (!S_ISDIR(literal->facts.mode)) continue;
      int error = find_selection(plan, literal->path, "**", group->excludes,
                                 &item->selection);
      if (error != 0) return error;
    }
  }
  return 0;
}
