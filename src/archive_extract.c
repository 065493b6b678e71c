/* extract: an archive becomes files, on a thread of its own. It is unpacked
 * into a private folder, and moved when it is whole and nothing in it was
 * refused. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "archive_common.h"
#include "archive_place.h"
#include "archive_tree.h"
#include "error.h"

/* Below this much, no ratio is a bomb. */
#define HARMLESS ((int64_t)100 << 20)

struct extract {
  struct lone lone;
  const char *path, *folder, *charset; /* arguments, on the stack */
  struct choice choice;
  struct input input;
  struct tree tree;
  struct unpack_place place;
  struct trouble trouble;
  int64_t limit, max_files, ratio; /* of the last two, -1: none */
  int strip;
  bool overwrite;
  int64_t files, folders, links, bytes;
};

static bool refuse(struct extract *extract, const char *reason,
                   const char *name, const char *words) {
  return trouble_say(&extract->trouble, "format", reason, name, "%s", words);
}

/* `more`: bytes that come to the others. */
static bool add_size(struct extract *extract, int64_t more) {
  const char *name = extract->input.name.data;
  if (more > extract->limit - extract->bytes)
    return trouble_say(&extract->trouble, "format", "limit", name,
                       "it unpacks to more than %lld bytes; option `limit` "
                       "allows more",
                       (long long)extract->limit);
  extract->bytes += more;
  if (extract->ratio >= 0 && extract->bytes > HARMLESS &&
      extract->bytes / extract->ratio > extract->input.size)
    return trouble_say(&extract->trouble, "format", "limit", name,
                       "it unpacks to more than %lld times its size, as a "
                       "bomb does; ratio = false allows that",
                       (long long)extract->ratio);
  return true;
}

static bool is_zero(const char *data, size_t size) {
  return size > 0 && data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

static bool write_block(struct extract *extract, int fd, const char *data,
                        size_t size, int64_t at) {
  while (size > 0) {
    ssize_t n = pwrite(fd, data, size, at);
    if (n < 0 && errno == EINTR && !lone_stopped(&extract->lone)) continue;
    if (n <= 0)
      return lone_stopped(&extract->lone)
                 ? false
                 : trouble_os(&extract->trouble, n < 0 ? errno : ENOSPC,
                              "write", extract->input.name.data);
    data += n;
    size -= (size_t)n;
    at += n;
  }
  return true;
}

/* Blocks of zeros become holes, as they may have been. */
static bool write_data(struct extract *extract, int fd) {
  const void *data;
  size_t size;
  int64_t at, end = 0, written = 0;
  while (input_block(&extract->input, &data, &size, &at, &extract->trouble)) {
    if (at < end || at > INT64_MAX - (int64_t)size)
      return refuse(extract, "broken", extract->input.name.data,
                    "its parts overlap");
    if (!add_size(extract, at + (int64_t)size - end)) return false;
    end = at + (int64_t)size;
    if (is_zero(data, size)) continue;
    if (!write_block(extract, fd, data, size, at)) return false;
    written = end;
  }
  if (extract->trouble.kind || lone_stopped(&extract->lone)) return false;
  if (written == end || ftruncate(fd, end) == 0) return true;
  return trouble_os(&extract->trouble, errno, "write",
                    extract->input.name.data);
}

static bool write_file(struct extract *extract, struct archive_entry *entry,
                       const char *name) {
  int fd = tree_file(&extract->tree, name, (int)archive_entry_perm(entry));
  if (fd < 0) return false;
  bool good = write_data(extract, fd);
  if (good && extract->tree.keep_times && archive_entry_mtime_is_set(entry)) {
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = archive_entry_mtime(entry),
                                 .tv_nsec = archive_entry_mtime_nsec(entry)}};
    futimens(fd, times);
  }
  if (close(fd) != 0 && good)
    good = trouble_os(&extract->trouble, errno, "write", name);
  extract->files++;
  return good;
}

/* The name without its first folders; NULL: nothing is left of it. */
static const char *strip(const struct extract *extract, const char *name) {
  for (int i = 0; i < extract->strip && name; i++) {
    name = strchr(name, '/');
    if (name) name++;
  }
  return name && *name ? name : NULL;
}

static bool hard_link(struct extract *extract, const char *target,
                      const char *name) {
  struct text clean = {0};
  const char *problem = name_problem(target);
  if (problem)
    return refuse(extract, "unsafe", name, "a second name of a file outside");
  if (name_clean(&clean, target) != 0)
    return trouble_os(&extract->trouble, ENOMEM, NULL, NULL);
  const char *from = strip(extract, clean.data);
  bool good = from ? tree_hard_link(&extract->tree, name, from)
                   : refuse(extract, "unsafe", name,
                            "a second name of a file that is left out");
  free(clean.data);
  extract->files++;
  return good;
}

static int64_t mtime_of(struct archive_entry *entry) {
  return archive_entry_mtime_is_set(entry) ? archive_entry_mtime(entry) : -1;
}

static bool write_entry(struct extract *extract, struct archive_entry *entry,
                        const char *name) {
  const char *target = archive_entry_hardlink(entry);
  if (target) return hard_link(extract, target, name);
  switch (archive_entry_filetype(entry)) {
  case AE_IFREG:
    return write_file(extract, entry, name);
  case AE_IFDIR:
    extract->folders++;
    return tree_folder(&extract->tree, name, (int)archive_entry_perm(entry),
                       mtime_of(entry));
  case AE_IFLNK:
    extract->links++;
    target = archive_entry_symlink(entry);
    if (target == NULL)
      return refuse(extract, "broken", name, "a link that leads nowhere");
    return tree_link(&extract->tree, name, target, mtime_of(entry));
  default:
    return refuse(extract, "unsafe", name,
                  "neither a file nor a folder nor a link: a device, a FIFO "
                  "or the like");
  }
}

/* Also those that are left out are checked: who makes such an archive is not
 * to be trusted with the rest. */
static bool take_entry(struct extract *extract, struct archive_entry *entry) {
  const char *raw = archive_entry_pathname(entry);
  const char *name = extract->input.name.data, *problem = name_problem(raw);
  if (problem) return refuse(extract, "unsafe", raw, problem);
  if (extract->max_files >= 0 && extract->input.entries > extract->max_files)
    return trouble_say(&extract->trouble, "format", "limit", name,
                       "it has more than %lld entries; option `max_files` "
                       "allows more",
                       (long long)extract->max_files);
  if (*name == '\0' || choice_excludes(&extract->choice, name) ||
      !choice_includes(&extract->choice, name))
    return true;
  name = strip(extract, name);
  if (name == NULL) return true;
  if (archive_entry_is_encrypted(entry))
    return refuse(extract, "encrypted", name,
                  "it is encrypted, which is not supported");
  return write_entry(extract, entry, name);
}

static bool unpack(struct extract *extract) {
  struct archive_entry *entry;
  struct input *input = &extract->input;
  while (input_next(input, &entry, &extract->trouble)) {
    extract->tree.replaces = !input->is_zip;
    if (!take_entry(extract, entry)) return false;
  }
  return !extract->trouble.kind && !lone_stopped(&extract->lone) &&
         tree_finish(&extract->tree);
}

/* A name in the archive is no path: where it would have been is one. */
static void complete_path(struct extract *extract) {
  struct trouble *trouble = &extract->trouble;
  char *full;
  if (trouble->path == NULL ||
      asprintf(&full, "%s/%s", extract->folder, trouble->path) < 0)
    return;
  free(trouble->path);
  trouble->path = full;
}

static void run_extract(struct lone *lone) {
  struct extract *extract = (struct extract *)lone;
  struct trouble *trouble = &extract->trouble;
  extract->input.stop = extract->tree.stop = &lone->stop;
  extract->tree.trouble = trouble;
  extract->tree.parent = -1;
  trouble->doing = "unpack";
  bool good =
      input_open(&extract->input, extract->path, extract->charset, trouble) &&
      place_open(&extract->place, extract->folder, trouble);
  extract->tree.root = extract->place.content;
  bool whole = good && unpack(extract) && !lone_stopped(lone);
  tree_close(&extract->tree);
  if (good && !whole)
    complete_path(extract);
  else if (whole &&
           !place_commit(&extract->place, extract->overwrite, trouble,
                         extract->folder) &&
           extract->place.exists)
    complete_path(extract);
  place_close(&extract->place);
  input_close(&extract->input);
}

static void extract_drop(struct op *op) {
  struct extract *extract = (struct extract *)op;
  choice_free(&extract->choice);
  trouble_clear(&extract->trouble);
}

/* files, folders, links, bytes */
static int extract_result(lua_State *L, struct op *op) {
  struct extract *extract = (struct extract *)op;
  trouble_check(L, &extract->trouble, extract->path);
  lua_pushinteger(L, extract->files);
  lua_pushinteger(L, extract->folders);
  lua_pushinteger(L, extract->links);
  lua_pushinteger(L, extract->bytes);
  return 4;
}

static const struct op_kind extract_kind = {
    .name = "archive.extract",
    .size = sizeof(struct extract),
    .result = extract_result,
    .cancel = lone_cancel,
    .drop = extract_drop,
};

/* extract(path, folder, includes, excludes, meter, strip, overwrite, limit,
 *         max_files, ratio, keep_times, charset or nil) */
int extract_call(lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *folder = luaL_checkstring(L, 2);
  struct meter *meter = meter_check(L, 5);
  struct extract *extract = op_new(L, &extract_kind);
  extract->path = path;
  extract->folder = folder;
  extract->input.fd = -1;
  extract->place.base = extract->place.private = extract->place.content = -1;
  extract->input.meter = meter;
  extract->strip = (int)luaL_checkinteger(L, 6);
  extract->overwrite = lua_toboolean(L, 7);
  extract->limit = luaL_checkinteger(L, 8);
  extract->max_files = luaL_checkinteger(L, 9);
  extract->ratio = luaL_checkinteger(L, 10);
  extract->tree.keep_times = lua_toboolean(L, 11);
  extract->charset = luaL_optstring(L, 12, NULL);
  choice_read(L, 3, 4, &extract->choice);
  lone_start(&extract->lone, run_extract);
  return op_await(L, &extract->lone.op);
}
