/* Where a link of an unpacked tree leads: step by step, as the system would go,
 * but within the tree. What is refused is what leaves it, also by the way of
 * other links, or may leave it once something is put where nothing is yet. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "archive_tree.h"

enum { LINKS = 40, ROOM = 2 * PATH_MAX };

struct way {
  char at[ROOM];   /* where we are: no link is in it */
  char rest[ROOM]; /* what is still to go */
  bool missing;    /* `at` is not there, or no folder */
  int links;
};

static const char *const leaves = "a link that leaves the folder";

/* Puts a target before the rest. */
static bool prepend(struct way *way, const char *target) {
  char rest[ROOM];
  size_t size = strlen(target), more = strlen(way->rest);
  if (size + more + 2 > ROOM) return false;
  memcpy(rest, target, size);
  rest[size] = '/';
  memcpy(rest + size + 1, way->rest, more + 1);
  memcpy(way->rest, rest, size + more + 2);
  return true;
}

/* Takes the first part of the rest; false: nothing is left. */
static bool take_part(struct way *way, char *part) {
  const char *at = way->rest + strspn(way->rest, "/");
  size_t size = strcspn(at, "/");
  if (size == 0) return false;
  memcpy(part, at, size);
  part[size] = '\0';
  memmove(way->rest, at + size, strlen(at + size) + 1);
  return true;
}

static const char *go_up(struct way *way) {
  char *slash = strrchr(way->at, '/');
  if (way->at[0] == '\0') return leaves;
  if (way->missing) return "a link that goes up from what is not there";
  if (slash)
    *slash = '\0';
  else
    way->at[0] = '\0';
  return NULL;
}

static const char *go_down(struct tree *tree, struct way *way,
                           const char *part) {
  char target[PATH_MAX];
  struct stat info;
  size_t size = strlen(way->at), more = strlen(part);
  if (size + more + 2 > ROOM) return "a link that is too long";
  if (size > 0) way->at[size] = '/';
  memcpy(way->at + size + (size > 0), part, more + 1);
  if (way->missing) return NULL;
  if (fstatat(tree->root, way->at, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
      (!S_ISDIR(info.st_mode) && !S_ISLNK(info.st_mode))) {
    way->missing = true;
    return NULL;
  }
  if (!S_ISLNK(info.st_mode)) return NULL;
  ssize_t got = readlinkat(tree->root, way->at, target, sizeof target - 1);
  if (got <= 0 || target[0] == '/') return leaves;
  target[got] = '\0';
  way->at[size] = '\0';
  if (++way->links > LINKS) return "a link in a circle of links";
  return prepend(way, target) ? NULL : "a link that is too long";
}

static const char *follow(struct tree *tree, struct way *way) {
  char part[ROOM];
  const char *problem = NULL;
  while (problem == NULL && take_part(way, part)) {
    if (strcmp(part, "..") == 0)
      problem = go_up(way);
    else if (strcmp(part, ".") != 0)
      problem = go_down(tree, way, part);
  }
  return problem;
}

bool tree_check_link(struct tree *tree, const struct made *link) {
  struct way *way = calloc(1, sizeof *way);
  if (way == NULL) return trouble_os(tree->trouble, ENOMEM, NULL, NULL);
  const char *problem = "a link that is too long";
  const char *slash = strrchr(link->name, '/');
  size_t size = slash ? (size_t)(slash - link->name) : 0;
  if (strlen(link->target) < PATH_MAX && size < PATH_MAX) {
    memcpy(way->at, link->name, size);
    prepend(way, link->target);
    problem = follow(tree, way);
  }
  free(way);
  if (problem == NULL) return true;
  return trouble_say(tree->trouble, "format", "unsafe", link->name, "%s",
                     problem);
}
