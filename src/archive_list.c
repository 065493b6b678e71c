/* reader: the entries of an archive, by the hundred. */
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include "archive_common.h"
#include "error.h"

#define READER "orch.archive.reader"

struct found {
  char *name, *target;
  int64_t size, mtime;
  int mode, type;
  bool hard, encrypted;
};

struct reader {
  struct input input;
  const char *path, *charset; /* its user values */
  bool opened, busy, over;
};

struct batch {
  struct lone lone;
  struct reader *reader; /* the argument, on the stack */
  struct found *found;
  size_t count, limit;
  struct trouble trouble;
};

static const char *type_name(int type) {
  switch (type) {
  case AE_IFREG:
    return "file";
  case AE_IFDIR:
    return "folder";
  case AE_IFLNK:
    return "link";
  case AE_IFIFO:
    return "fifo";
  case AE_IFSOCK:
    return "socket";
  default:
    return "device";
  }
}

static bool add_found(struct batch *batch, struct archive_entry *entry) {
  struct found *found = &batch->found[batch->count++];
  const char *target = archive_entry_hardlink(entry);
  found->hard = target != NULL;
  found->type = (int)archive_entry_filetype(entry);
  if (!target && found->type == AE_IFLNK) target = archive_entry_symlink(entry);
  found->name = strdup(batch->reader->input.name.data);
  found->target = target ? strdup(target) : NULL;
  found->size = archive_entry_size(entry);
  found->mtime = archive_entry_mtime_is_set(entry) ? archive_entry_mtime(entry)
                                                   : INT64_MIN;
  found->mode = (int)archive_entry_perm(entry);
  found->encrypted = archive_entry_is_encrypted(entry);
  if (found->name && (found->target || !target)) return true;
  return trouble_os(&batch->trouble, ENOMEM, NULL, NULL);
}

static void run_batch(struct lone *lone) {
  struct batch *batch = (struct batch *)lone;
  struct reader *reader = batch->reader;
  struct input *input = &reader->input;
  struct archive_entry *entry;
  archive_in_utf8();
  input->stop = &lone->stop;
  batch->trouble.doing = "read the archive";
  batch->trouble.offset = -1;
  bool good = reader->opened ||
              input_open(input, reader->path, reader->charset, &batch->trouble);
  reader->opened = true;
  while (good && batch->count < batch->limit && !reader->over) {
    if (!input_next(input, &entry, &batch->trouble))
      reader->over = true;
    else if (*input->name.data != '\0')
      good = add_found(batch, entry);
  }
  if (!good || lone_stopped(lone)) reader->over = true;
  if (reader->over) input_close(input);
}

/* Its thread has ended, also after a cancellation. */
static void batch_finish(struct lone *lone) {
  ((struct batch *)lone)->reader->busy = false;
}

static void batch_drop(struct op *op) {
  struct batch *batch = (struct batch *)op;
  for (size_t i = 0; i < batch->count; i++) {
    free(batch->found[i].name);
    free(batch->found[i].target);
  }
  free(batch->found);
  batch->found = NULL;
  batch->count = 0;
  trouble_clear(&batch->trouble);
}

static void push_found(lua_State *L, const struct found *found) {
  lua_createtable(L, 0, 6);
  lua_pushstring(L, found->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, found->hard ? "file" : type_name(found->type));
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, found->size);
  lua_setfield(L, -2, "size");
  lua_pushinteger(L, found->mode);
  lua_setfield(L, -2, "mode");
  if (found->mtime != INT64_MIN) {
    lua_pushinteger(L, found->mtime);
    lua_setfield(L, -2, "mtime");
  }
  if (found->target) {
    lua_pushstring(L, found->target);
    lua_setfield(L, -2, found->hard ? "same_as" : "link");
  }
  if (found->encrypted) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "encrypted");
  }
}

static int batch_result(lua_State *L, struct op *op) {
  struct batch *batch = (struct batch *)op;
  trouble_check(L, &batch->trouble, batch->reader->path);
  lua_createtable(L, (int)batch->count, 0);
  for (size_t i = 0; i < batch->count; i++) {
    push_found(L, &batch->found[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushboolean(L, batch->reader->over);
  batch_drop(op);
  return 2;
}

static const struct op_kind batch_kind = {
    .name = "archive.list",
    .size = sizeof(struct batch),
    .result = batch_result,
    .cancel = lone_cancel,
    .drop = batch_drop,
};

/* reader:next(n) -> list of at most n entries, whether these are the last */
static int reader_next(lua_State *L) {
  struct reader *reader = luaL_checkudata(L, 1, READER);
  lua_Integer limit = luaL_checkinteger(L, 2);
  if (reader->busy)
    return error_usage(L, "archive: another task waits for this iterator");
  struct batch *batch = op_new(L, &batch_kind);
  batch->found = calloc((size_t)limit, sizeof *batch->found);
  if (batch->found == NULL) return luaL_error(L, "not enough memory");
  batch->reader = reader;
  batch->limit = (size_t)limit;
  batch->lone.finish = batch_finish;
  reader->busy = true;
  lone_start(&batch->lone, run_batch);
  return op_await(L, &batch->lone.op);
}

static int reader_drop(lua_State *L) {
  struct reader *reader = luaL_checkudata(L, 1, READER);
  if (reader->busy) return 0;
  reader->over = true;
  input_close(&reader->input);
  return 0;
}

/* reader(path, charset or nil) */
int reader_new(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 2);
  struct reader *reader = lua_newuserdatauv(L, sizeof *reader, 2);
  memset(reader, 0, sizeof *reader);
  reader->input.fd = -1;
  reader->path = lua_tostring(L, 1);
  reader->charset = lua_tostring(L, 2);
  for (int i = 1; i <= 2; i++) {
    lua_pushvalue(L, i);
    lua_setiuservalue(L, -2, i);
  }
  luaL_setmetatable(L, READER);
  return 1;
}

void reader_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"next", reader_next},
                                     {"close", reader_drop},
                                     {"__gc", reader_drop},
                                     {NULL, NULL}};
  luaL_newmetatable(L, READER);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
