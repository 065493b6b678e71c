/* See stamp.h: first all paths without wildcards, then all walks, by as many
 * threads as there are cores; and what has come out of it for a group. */
#include "stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool stamp_is_stopped(const struct stamp_plan *plan) {
  return __atomic_load_n(plan->stop, __ATOMIC_RELAXED);
}

bool stamp_fail(struct stamp_plan *plan, int error, const char *path) {
  pthread_mutex_lock(&plan->lock);
  fault_set(&plan->fault, error, "look at", path);
  pthread_mutex_unlock(&plan->lock);
  return false;
}

void stamp_facts_of(struct stamp_facts *facts, const struct stat *info) {
  facts->size = info->st_size;
  facts->mtime_ns =
      (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
  facts->mode = info->st_mode & (S_IFMT | S_IXUSR);
}

/* --- threads --- */

struct helper {
  pthread_t thread;
  void (*work)(void *data, int thread);
  void *data;
  int number;
};

static void *help(void *data) {
  struct helper *helper = data;
  helper->work(helper->data, helper->number);
  return NULL;
}

/* Without a second thread one does it all. */
int stamp_in_parallel(void (*work)(void *data, int thread), void *data,
                      int limit) {
  struct helper helpers[STAMP_THREADS];
  long wanted = sysconf(_SC_NPROCESSORS_ONLN);
  int started = 1;
  if (wanted > limit) wanted = limit;
  if (wanted > STAMP_THREADS) wanted = STAMP_THREADS;
  for (; started < wanted; started++) {
    struct helper *helper = &helpers[started];
    *helper = (struct helper){.work = work, .data = data, .number = started};
    if (pthread_create(&helper->thread, NULL, help, helper) != 0) break;
  }
  work(data, 0);
  for (int i = 1; i < started; i++) pthread_join(helpers[i].thread, NULL);
  return started;
}

/* --- literals --- */

enum { BATCH = 64 };

/* As a walk would stamp the file. */
static struct fingerprint stamp_of(const struct stamp_literal *literal) {
  struct {
    struct stamp_facts facts;
    char path[PATH_MAX];
  } record;
  size_t size = literal->facts.path_size;
  if (size > sizeof record.path) size = sizeof record.path; /* no such file */
  record.facts = literal->facts;
  memcpy(record.path, literal->path, size);
  return fingerprint_of(&record, sizeof record.facts + size);
}

static void look_at(struct stamp_plan *plan, struct stamp_literal *literal) {
  struct stat info;
  if (fstatat(plan->root_fd, literal->path, &info, 0) == 0) {
    stamp_facts_of(&literal->facts, &info);
    if (plan->folders && S_ISDIR(info.st_mode))
      literal->facts = (struct stamp_facts){
          .mode = S_IFDIR, .path_size = literal->facts.path_size};
    literal->stamp = stamp_of(literal);
  } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
    literal->error = errno;
  }
}

static void look_at_literals(void *data, int thread) {
  struct stamp_plan *plan = data;
  (void)thread;
  while (!stamp_is_stopped(plan)) {
    int from = atomic_fetch_add(&plan->next_literal, BATCH);
    if (from >= plan->literals.count) return;
    for (int i = from; i < from + BATCH && i < plan->literals.count; i++)
      look_at(plan, STAMP_LITERAL(plan, i));
  }
}

static int64_t wall_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void stamp_look(struct stamp_plan *plan) {
  plan->began_ns = wall_clock();
  plan->root_fd = open(plan->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (plan->root_fd < 0) {
    stamp_fail(plan, errno, plan->root);
    return;
  }
  if (plan->literals.count > 0)
    stamp_in_parallel(look_at_literals, plan,
                      1 + plan->literals.count / (4 * BATCH));
  int error = stamp_expand_folders(plan);
  if (error != 0) stamp_fail(plan, error, plan->root);
  if (plan->fault.error == 0 && !stamp_is_stopped(plan)) stamp_walk(plan);
  close(plan->root_fd);
  plan->root_fd = -1;
}

/* --- results --- */

static void add_sum(struct stamp_sum *sum, const struct stamp_sum *one) {
  if (!one->matched) return;
  fingerprint_add(&sum->stamp, one->stamp);
  sum->files += one->files;
  sum->bytes += one->bytes;
  if (!sum->matched || one->newest_ns > sum->newest_ns)
    sum->newest_ns = one->newest_ns;
  sum->matched = true;
}

static struct stamp_sum sum_of_file(const struct stamp_literal *literal) {
  return (struct stamp_sum){.stamp = literal->stamp,
                            .files = 1,
                            .bytes = literal->facts.size,
                            .newest_ns = literal->facts.mtime_ns,
                            .matched = true};
}

static struct stamp_sum sum_of_selection(struct stamp_plan *plan, int index) {
  struct stamp_sum sum = {0};
  for (int i = 0; i < plan->thread_count; i++)
    add_sum(&sum, &plan->tallies[i].sums[index]);
  return sum;
}

/* An empty folder that was named is as new as it is itself. */
static struct stamp_sum sum_of_item(struct stamp_plan *plan,
                                    const struct stamp_item *item) {
  struct stamp_literal *literal =
      item->literal >= 0 ? STAMP_LITERAL(plan, item->literal) : NULL;
  if (item->selection >= 0) {
    struct stamp_sum sum = sum_of_selection(plan, item->selection);
    if (literal != NULL && plan->folders) {
      fingerprint_add(&sum.stamp, literal->stamp);
      sum.matched = true;
    }
    if (sum.matched || literal == NULL) return sum;
    return (struct stamp_sum){.newest_ns = literal->facts.mtime_ns,
                              .matched = true};
  }
  if (literal == NULL || literal->facts.mode == 0) return (struct stamp_sum){0};
  return sum_of_file(literal);
}

bool stamp_is_missing(struct stamp_plan *plan, const struct stamp_item *item) {
  return !sum_of_item(plan, item).matched;
}

struct stamp_result stamp_result_of(struct stamp_plan *plan, int index) {
  struct stamp_group *group = STAMP_GROUP(plan, index);
  struct stamp_result result = {0};
  for (int i = 0; i < group->item_count; i++) {
    const struct stamp_item *item = STAMP_ITEM(plan, group->first_item + i);
    struct stamp_sum sum = sum_of_item(plan, item);
    add_sum(&result.sum, &sum);
    result.missing += !sum.matched;
    if (result.error != 0) continue;
    if (item->literal >= 0 && STAMP_LITERAL(plan, item->literal)->error) {
      result.error = STAMP_LITERAL(plan, item->literal)->error;
      result.error_path = item->text;
    } else if (item->selection >= 0) {
      result.error = STAMP_SELECTION(plan, item->selection)->error;
      result.error_path = STAMP_SELECTION(plan, item->selection)->error_path;
    }
  }
  return result;
}
