/* pack: files become an archive, on a thread of its own. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "archive_pack.h"
#include "error.h"

enum { CHUNK = 64 << 10 /* stays in the cache */, FIELDS = 4 };

struct pack {
  struct lone lone;
  const char *path; /* the argument, on the stack */
  struct source *sources;
  size_t source_count;
  struct choice choice;
  struct gather gather;
  struct format format;
  struct output output;
  struct meter *meter;
  struct trouble trouble;
  int64_t files, folders, links;
};

static bool changed(struct pack *pack, const struct item *item) {
  return trouble_say(&pack->trouble, "changed", NULL, item->path,
                     "it changed while it was packed");
}

/* Where data begins and ends in a file that may have holes, from `at` on. */
struct stretch {
  int64_t data, end;
  bool sparse;
};

static void look_ahead(struct stretch *stretch, int fd, int64_t at,
                       int64_t size) {
  off_t data = stretch->sparse ? lseek(fd, at, SEEK_DATA) : at;
  if (data < 0) data = errno == ENXIO ? size : at;
  off_t end = stretch->sparse ? lseek(fd, data, SEEK_HOLE) : size;
  stretch->data = data;
  stretch->end = end > at ? end : size;
}

/* Holes are not read: the kernel takes longer to make zeros than we do. */
static ssize_t read_some(struct stretch *stretch, int fd, char *chunk,
                         int64_t at, int64_t size) {
  if (at >= stretch->end) look_ahead(stretch, fd, at, size);
  int64_t end = at < stretch->data ? stretch->data : stretch->end;
  if (end > size) end = size;
  size_t wanted = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
  if (at >= stretch->data) return pread(fd, chunk, wanted, at);
  memset(chunk, 0, wanted);
  return (ssize_t)wanted;
}

/* The content must be what the header says, and what was found before. */
static bool write_file(struct pack *pack, const struct item *item, int fd,
                       char *chunk, bool sparse) {
  struct output *output = &pack->output;
  struct stretch stretch = {.sparse = sparse};
  for (int64_t at = 0; at < item->size;) {
    if (lone_stopped(&pack->lone)) return false;
    ssize_t n = read_some(&stretch, fd, chunk, at, item->size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble_os(&pack->trouble, errno, "read", item->path);
    if (n == 0) return changed(pack, item);
    if (archive_write_data(output->archive, chunk, (size_t)n) != n ||
        output->error)
      return output_fail(output, &pack->trouble, item->name);
    at += n;
    meter_add(pack->meter, n);
  }
  struct stat after;
  if (fstat(fd, &after) != 0 || after.st_size != item->size ||
      after.st_mtim.tv_sec != item->mtime ||
      after.st_mtim.tv_nsec != item->mtime_ns)
    return changed(pack, item);
  return true;
}

static bool open_and_write(struct pack *pack, const struct item *item,
                           char *chunk) {
  struct stat info = {0};
  int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  if (!pack->gather.follow) flags |= O_NOFOLLOW;
  int fd = open(item->path, flags);
  if (fd < 0) return trouble_os(&pack->trouble, errno, "read", item->path);
  bool good = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
              info.st_ino == item->inode && info.st_dev == item->device;
  posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  bool sparse = info.st_blocks * 512 < info.st_size;
  good = good ? write_file(pack, item, fd, chunk, sparse) : changed(pack, item);
  close(fd);
  return good;
}

/* The modes of one machine's umask are no part of what is the same. */
static mode_t mode_of(const struct pack *pack, const struct item *item) {
  mode_t mode = item->mode & 0777;
  if (S_ISLNK(item->mode)) return 0777;
  if (!pack->format.fixed) return mode;
  return S_ISDIR(item->mode) || (mode & 0100) ? 0755 : 0644;
}

static void fill_entry(struct pack *pack, const struct item *item,
                       struct archive_entry *entry) {
  archive_entry_clear(entry);
  archive_entry_set_pathname(entry, item->name);
  archive_entry_set_mode(entry, (item->mode & S_IFMT) | mode_of(pack, item));
  archive_entry_set_size(entry, item->size);
  if (item->target) archive_entry_set_symlink(entry, item->target);
  int64_t time = pack->format.keep_times ? item->mtime : pack->format.time;
  if (time >= 0) archive_entry_set_mtime(entry, (time_t)time, 0);
}

static bool write_item(struct pack *pack, const struct item *item,
                       struct archive_entry *entry, char *chunk) {
  struct output *output = &pack->output;
  meter_name(pack->meter, item->name);
  fill_entry(pack, item, entry);
  if (output_header(output, entry) < ARCHIVE_WARN || output->error)
    return output_fail(output, &pack->trouble, item->name);
  if (S_ISDIR(item->mode)) pack->folders++;
  if (S_ISLNK(item->mode)) pack->links++;
  if (!S_ISREG(item->mode)) return true;
  pack->files++;
  if (item->path) return open_and_write(pack, item, chunk);
  if (archive_write_data(output->archive, item->text, (size_t)item->size) !=
          item->size ||
      output->error)
    return output_fail(output, &pack->trouble, item->name);
  meter_add(pack->meter, item->size);
  return true;
}

static bool write_all(struct pack *pack) {
  struct archive_entry *entry = archive_entry_new();
  char *chunk = malloc(CHUNK);
  bool good = entry && chunk;
  if (!good) trouble_os(&pack->trouble, ENOMEM, NULL, pack->path);
  for (size_t i = 0; good && i < pack->gather.count; i++) {
    const struct item *item = &pack->gather.items[i];
    good = !lone_stopped(&pack->lone);
    if (good && item->mode) good = write_item(pack, item, entry, chunk);
  }
  archive_entry_free(entry);
  free(chunk);
  return good;
}

static void run_pack(struct lone *lone) {
  struct pack *pack = (struct pack *)lone;
  struct gather *gather = &pack->gather;
  struct output *output = &pack->output;
  archive_in_utf8();
  gather->choice = &pack->choice;
  gather->stop = output->stop = &lone->stop;
  gather->trouble = &pack->trouble;
  pack->trouble.doing = "pack";
  pack->trouble.offset = -1;
  if (stat(pack->path, &gather->old) != 0) gather->old.st_ino = 0;
  bool good = true;
  for (size_t i = 0; good && i < pack->source_count; i++)
    good = gather_add(gather, &pack->sources[i]);
  good = good && gather_check(gather);
  if (good) meter_set(pack->meter, 0, gather->bytes);
  if (good && output_open(output, pack->path, &pack->format, &pack->trouble) &&
      write_all(pack) && !lone_stopped(lone))
    output_commit(output, &pack->trouble);
  output_close(output);
}

static void pack_drop(struct op *op) {
  struct pack *pack = (struct pack *)op;
  free(pack->sources);
  pack->sources = NULL;
  choice_free(&pack->choice);
  gather_free(&pack->gather);
  trouble_clear(&pack->trouble);
}

/* files, folders, links, bytes packed, bytes of the archive */
static int pack_result(lua_State *L, struct op *op) {
  struct pack *pack = (struct pack *)op;
  trouble_check(L, &pack->trouble, pack->path);
  lua_pushinteger(L, pack->files);
  lua_pushinteger(L, pack->folders);
  lua_pushinteger(L, pack->links);
  lua_pushinteger(L, pack->gather.bytes);
  lua_pushinteger(L, pack->output.written);
  pack_drop(op);
  return 5;
}

static const struct op_kind pack_kind = {
    .name = "archive.create",
    .size = sizeof(struct pack),
    .result = pack_result,
    .cancel = lone_cancel,
    .drop = pack_drop,
};

/* From the flat list {name, path or false, text or false, mode, ...}. */
static void read_sources(lua_State *L, int list, struct pack *pack) {
  size_t count = lua_rawlen(L, list) / FIELDS;
  pack->sources = calloc(count + 1, sizeof *pack->sources);
  if (pack->sources == NULL) luaL_error(L, "not enough memory");
  for (size_t i = 0; i < count; i++) {
    struct source *source = &pack->sources[pack->source_count++];
    for (int field = 1; field <= FIELDS; field++)
      lua_rawgeti(L, list, (lua_Integer)i * FIELDS + field);
    source->name = lua_tostring(L, -4);
    source->path = lua_tostring(L, -3);
    source->text = lua_tolstring(L, -2, &source->text_size);
    source->mode = (int)lua_tointeger(L, -1);
    lua_pop(L, FIELDS);
  }
}

/* pack(path, sources, includes, excludes, prefix, meter, follow, format,
 * filter, level, threads, fixed, keep_times, time) */
int pack_call(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  struct format format = {
      .name = luaL_checkstring(L, 8),
      .filter = luaL_checkstring(L, 9),
      .level = (int)luaL_checkinteger(L, 10),
      .threads = (int)luaL_checkinteger(L, 11),
      .fixed = lua_toboolean(L, 12),
      .keep_times = lua_toboolean(L, 13),
      .time = luaL_checkinteger(L, 14),
  };
  const char *prefix = luaL_checkstring(L, 5);
  struct meter *meter = meter_check(L, 6);
  struct pack *pack = op_new(L, &pack_kind);
  pack->path = path;
  pack->format = format;
  pack->meter = meter;
  pack->gather.prefix = prefix;
  pack->gather.follow = lua_toboolean(L, 7);
  read_sources(L, 2, pack);
  choice_read(L, 3, 4, &pack->choice);
  lone_start(&pack->lone, run_pack);
  return op_await(L, &pack->lone.op);
}
