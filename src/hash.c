/* orch.core.hash, a plug-in: digests over OpenSSL's EVP. digest, hmac,
 * new and file answer in hexadecimal digits. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "error.h"
#include "op.h"

#define HASH_TYPE "orch.hash"
#define CHUNK (256 * 1024)

int luaopen_orch_core_hash(lua_State *L);

static const char *const names[] = {"md5", "sha1", "sha256", "sha512", NULL};
static EVP_MD *algorithms[4];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

/* Fetched once for all threads: a look-up by name costs more than a digest. */
static void fetch_all(void) {
  for (int i = 0; names[i]; i++)
    algorithms[i] = EVP_MD_fetch(NULL, names[i], NULL);
}

static const EVP_MD *check_algorithm(lua_State *L, int index) {
  const char *name = luaL_checkstring(L, index);
  int i = 0;
  while (names[i] && strcmp(names[i], name) != 0) i++;
  if (!names[i])
    error_usage(L, "hash: '%s' should be md5, sha1, sha256 or sha512", name);
  if (!algorithms[i])
    luaL_error(L, "hash: OpenSSL does not offer %s here", name);
  return algorithms[i];
}

static void push_hex(lua_State *L, const unsigned char *bytes, size_t size) {
  luaL_Buffer buffer;
  char *to = luaL_buffinitsize(L, &buffer, size * 2);
  for (size_t i = 0; i < size; i++) {
    *to++ = "0123456789abcdef"[bytes[i] >> 4];
    *to++ = "0123456789abcdef"[bytes[i] & 15];
  }
  luaL_pushresultsize(&buffer, size * 2);
}

static int push_digest(lua_State *L, bool good, const unsigned char *bytes,
                       unsigned size) {
  if (!good) return luaL_error(L, "hash: OpenSSL failed");
  push_hex(L, bytes, size);
  return 1;
}

/* digest(algorithm, text) */
static int digest(lua_State *L) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  size_t length;
  const EVP_MD *algorithm = check_algorithm(L, 1);
  const char *text = luaL_checklstring(L, 2, &length);
  bool good = EVP_Digest(text, length, bytes, &size, algorithm, NULL);
  return push_digest(L, good, bytes, size);
}

/* hmac(algorithm, key, text, raw) */
static int hmac(lua_State *L) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  size_t key_length, length;
  const EVP_MD *algorithm = check_algorithm(L, 1);
  const char *key = luaL_checklstring(L, 2, &key_length);
  const char *text = luaL_checklstring(L, 3, &length);
  bool good = HMAC(algorithm, key, (int)key_length, (const unsigned char *)text,
                   length, bytes, &size) != NULL;
  if (good && lua_toboolean(L, 4)) {
    lua_pushlstring(L, (const char *)bytes, size);
    return 1;
  }
  return push_digest(L, good, bytes, size);
}

/* The context of a running digest; NULL once it was taken. */
static EVP_MD_CTX **check_context(lua_State *L) {
  EVP_MD_CTX **context = luaL_checkudata(L, 1, HASH_TYPE);
  if (!*context) error_usage(L, "hash: the digest was taken already");
  return context;
}

/* new(algorithm) -> an object for text that comes in parts */
static int new (lua_State *L) {
  const EVP_MD *algorithm = check_algorithm(L, 1);
  EVP_MD_CTX **context = lua_newuserdatauv(L, sizeof *context, 0);
  *context = NULL;
  luaL_setmetatable(L, HASH_TYPE);
  *context = EVP_MD_CTX_new();
  if (!*context || !EVP_DigestInit_ex(*context, algorithm, NULL))
    return luaL_error(L, "not enough memory");
  return 1;
}

static int update(lua_State *L) {
  size_t length;
  EVP_MD_CTX **context = check_context(L);
  const char *text = luaL_checklstring(L, 2, &length);
  if (!EVP_DigestUpdate(*context, text, length))
    return luaL_error(L, "hash: OpenSSL failed");
  lua_settop(L, 1);
  return 1;
}

static int drop(lua_State *L) {
  EVP_MD_CTX **context = luaL_checkudata(L, 1, HASH_TYPE);
  EVP_MD_CTX_free(*context);
  *context = NULL;
  return 0;
}

static int finish(lua_State *L) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  bool good = EVP_DigestFinal_ex(*check_context(L), bytes, &size);
  drop(L);
  return push_digest(L, good, bytes, size);
}

/* One trip to the pool: open, read, close. */
struct file {
  struct op_work work;
  const EVP_MD *algorithm;
  const char *path; /* the argument, on the stack */
  off_t offset;
  uint64_t left; /* to be read, at most */
  int status;
  unsigned size;
  unsigned char bytes[EVP_MAX_MD_SIZE];
};

static int add_file(struct file *file, int fd, EVP_MD_CTX *context,
                    char *chunk) {
  ssize_t n = 1;
  if (!EVP_DigestInit_ex(context, file->algorithm, NULL)) return UV_ENOMEM;
  if (file->offset > 0 && lseek(fd, file->offset, SEEK_SET) < 0)
    return uv_translate_sys_error(errno);
  while (n > 0 && !op_work_stopped(&file->work)) {
    do n = read(fd, chunk, file->left < CHUNK ? file->left : CHUNK);
    while (n < 0 && errno == EINTR);
    if (n < 0) return uv_translate_sys_error(errno);
    EVP_DigestUpdate(context, chunk, (size_t)n);
    file->left -= (uint64_t)n;
  }
  EVP_DigestFinal_ex(context, file->bytes, &file->size);
  return 0;
}

static void run_file(struct op_work *work) {
  struct file *file = (struct file *)work;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  char *chunk = malloc(CHUNK);
  int fd = -1;
  file->status = UV_ENOMEM;
  if (chunk && context) {
    struct stat info;
    fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info) != 0)
      file->status = uv_translate_sys_error(errno);
    else if (S_ISFIFO(info.st_mode))
      file->status = UV_EINVAL;
    else
      file->status = add_file(file, fd, context, chunk);
  }
  if (fd >= 0) close(fd);
  free(chunk);
  EVP_MD_CTX_free(context);
}

static int file_result(lua_State *L, struct op *op) {
  struct file *file = (struct file *)op;
  if (file->status < 0) return error_os(L, "read", file->path, file->status);
  return push_digest(L, true, file->bytes, file->size);
}

static const struct op_kind file_kind = {
    .name = "fs.hash",
    .size = sizeof(struct file),
    .result = file_result,
    .cancel = op_work_cancel,
};

/* file(algorithm, path[, offset, length]) */
static int hash_file(lua_State *L) {
  const EVP_MD *algorithm = check_algorithm(L, 1);
  const char *path = luaL_checkstring(L, 2);
  lua_Integer offset = luaL_optinteger(L, 3, 0);
  lua_Integer length = luaL_optinteger(L, 4, LUA_MAXINTEGER);
  luaL_argcheck(L, offset >= 0, 3, "below 0");
  luaL_argcheck(L, length >= 0, 4, "below 0");
  struct file *file = op_new(L, &file_kind);
  file->algorithm = algorithm;
  file->path = path;
  file->offset = (off_t)offset;
  file->left = (uint64_t)length;
  op_work_start(&file->work, run_file);
  return op_await(L, &file->work.op);
}

/* hex(bytes) */
static int to_hex(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  push_hex(L, (const unsigned char *)bytes, length);
  return 1;
}

/* base64(bytes) */
static int to_base64(lua_State *L) {
  size_t length;
  luaL_Buffer buffer;
  const char *bytes = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, length < INT32_MAX / 2, 1, "over 1 GB");
  size_t room = (length + 2) / 3 * 4 + 1;
  char *to = luaL_buffinitsize(L, &buffer, room);
  EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)bytes,
                  (int)length);
  luaL_pushresultsize(&buffer, room - 1);
  return 1;
}

/* version() -> OpenSSL's */
static int version(lua_State *L) {
  lua_pushstring(L, OpenSSL_version(OPENSSL_VERSION_STRING));
  return 1;
}

static const luaL_Reg functions[] = {
    {"version", version},  {"digest", digest},  {"hmac", hmac},
    {"new", new},          {"file", hash_file}, {"hex", to_hex},
    {"base64", to_base64}, {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"update", update},
    {"finish", finish},
    {"__gc", drop},
    {NULL, NULL},
};

int luaopen_orch_core_hash(lua_State *L) {
  pthread_once(&fetch_once, fetch_all);
  luaL_newmetatable(L, HASH_TYPE);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
