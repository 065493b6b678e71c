/* See stamp.h: from patterns to what has to be looked at, each of it once. */
#include "stamp_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
      stamp_map_at(&plan->base_map,
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
      stamp_list_add(&plan->selections, sizeof *selection);
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
  struct stamp_slot *slot = stamp_map_at(&plan->selection_map, key);
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
  struct stamp_group *group = stamp_list_add(&plan->groups, sizeof *group);
  if (group == NULL) return ENOMEM;
  group->first_item = plan->items.count;
  group->excludes = excludes;
  return 0;
}

static int find_literal(struct stamp_plan *plan, const char *path, size_t size,
                        int *found) {
  struct stamp_slot *slot =
      stamp_map_at(&plan->literal_map, fingerprint_of(path, size));
  if (slot == NULL) return ENOMEM;
  if (slot->place == 0) {
    struct stamp_literal *literal =
        stamp_list_add(&plan->literals, sizeof *literal);
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
  struct stamp_item *added =
      error ? NULL : stamp_list_add(&plan->items, sizeof item);
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
