/* read: the bytes of one entry. */
#include "archive_common.h"
#include "error.h"
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

struct pick {
  struct lone lone;
  const char *path, *charset; /* arguments, on the stack */
  struct choice choice;
  struct input input;
  struct text bytes;
  struct text name;
  int64_t limit;
  bool found;
  struct trouble trouble;
};

static bool too_large(struct pick *pick) {
  return trouble_say(&pick->trouble, "format", "limit", pick->name.data,
                     "it has more than %lld bytes; option `limit` allows more",
                     (long long)pick->limit);
}

static bool add_bytes(struct pick *pick, const void *data, size_t size,
                      int64_t at) {
  static const char zeros[4096];
  if (at < (int64_t)pick->bytes.size || at > pick->limit ||
      (int64_t)size > pick->limit - at)
    return too_large(pick);
  int error = 0;
  while (error == 0 && (int64_t)pick->bytes.size < at) {
    size_t gap = (size_t)at - pick->bytes.size;
    error = text_add(&pick->bytes, zeros, gap < 4096 ? gap : 4096);
  }
  if (error == 0) error = text_add(&pick->bytes, data, size);
  return error == 0 || trouble_os(&pick->trouble, ENOMEM, NULL, NULL);
}

static void take(struct pick *pick, struct archive_entry *entry) {
  const void *data;
  size_t size;
  int64_t at;
  const char *name = pick->input.name.data;
  if (text_add(&pick->name, name, strlen(name) + 1) != 0) {
    trouble_os(&pick->trouble, ENOMEM, NULL, NULL);
    return;
  }
  pick->found = true;
  if (archive_entry_size_is_set(entry) &&
      archive_entry_size(entry) > pick->limit) {
    too_large(pick);
    return;
  }
  while (input_block(&pick->input, &data, &size, &at, &pick->trouble))
    if (!add_bytes(pick, data, size, at)) return;
}

static void run_pick(struct lone *lone) {
  struct pick *pick = (struct pick *)lone;
  struct archive_entry *entry;
  pick->input.stop = &lone->stop;
  pick->trouble.doing = "read the archive";
  if (input_open(&pick->input, pick->path, pick->charset, &pick->trouble))
    while (!pick->found && input_next(&pick->input, &entry, &pick->trouble))
      if (archive_entry_filetype(entry) == AE_IFREG &&
          !archive_entry_hardlink(entry) &&
          choice_includes(&pick->choice, pick->input.name.data))
        take(pick, entry);
  input_close(&pick->input);
}

static void pick_drop(struct op *op) {
  struct pick *pick = (struct pick *)op;
  choice_free(&pick->choice);
  free(pick->bytes.data);
  free(pick->name.data);
  pick->bytes = pick->name = (struct text){0};
  trouble_clear(&pick->trouble);
}

static int pick_result(lua_State *L, struct op *op) {
  struct pick *pick = (struct pick *)op;
  trouble_check(L, &pick->trouble, pick->path);
  if (!pick->found) return 0;
  lua_pushlstring(L, pick->bytes.data ? pick->bytes.data : "",
                  pick->bytes.size);
  lua_pushstring(L, pick->name.data);
  pick_drop(op);
  return 2;
}

static const struct op_kind pick_kind = {
    .name = "archive.read",
    .size = sizeof(struct pick),
    .result = pick_result,
    .cancel = lone_cancel,
    .drop = pick_drop,
};

/* read(path, patterns, none, limit, charset or nil) -> bytes, name, or nothing
 */
int pick_call(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_Integer limit = luaL_checkinteger(L, 4);
  struct pick *pick = op_new(L, &pick_kind);
  pick->path = path;
  pick->limit = limit;
  pick->charset = luaL_optstring(L, 5, NULL);
  pick->input.fd = -1;
  choice_read(L, 2, 3, &pick->choice);
  lone_start(&pick->lone, run_pick);
  return op_await(L, &pick->lone.op);
}
