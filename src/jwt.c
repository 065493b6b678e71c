/* orch.core.jwt, a plug-in: the signatures of JSON Web Tokens over OpenSSL's
 * EVP. What is wrong with a key comes back as a word; Lua makes a sentence of
 * it. */
#include <lauxlib.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include "error.h"
#include "jwt_key.h"

#define HALF 32            /* of an ES256 signature: r, then s (RFC 7518) */
#define SIGNATURE_MAX 2048 /* an RSA key of 16,384 bits */

int luaopen_orch_core_jwt(lua_State *L);

struct signing {
  const char *text;
  size_t length;
  unsigned char signature[SIGNATURE_MAX];
  size_t size;
  bool curve; /* ES256, otherwise RS256 */
};

static bool check_algorithm(lua_State *L) {
  static const char *const names[] = {"RS256", "ES256", NULL};
  return luaL_checkoption(L, 1, NULL, names) == 1;
}

/* DER as OpenSSL writes it to r || s. */
static bool flatten(struct signing *s) {
  const unsigned char *der = s->signature;
  ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)s->size);
  bool good =
      pair &&
      BN_bn2binpad(ECDSA_SIG_get0_r(pair), s->signature, HALF) == HALF &&
      BN_bn2binpad(ECDSA_SIG_get0_s(pair), s->signature + HALF, HALF) == HALF;
  ECDSA_SIG_free(pair);
  s->size = 2 * HALF;
  return good;
}

/* And back. */
static bool unflatten(struct signing *s) {
  ECDSA_SIG *pair = ECDSA_SIG_new();
  BIGNUM *r = BN_bin2bn(s->signature, HALF, NULL);
  BIGNUM *t = BN_bin2bn(s->signature + HALF, HALF, NULL);
  bool good = pair && r && t && ECDSA_SIG_set0(pair, r, t);
  if (!good) BN_free(r), BN_free(t);
  unsigned char *der = s->signature;
  int size = good ? i2d_ECDSA_SIG(pair, &der) : -1;
  ECDSA_SIG_free(pair);
  s->size = size > 0 ? (size_t)size : 0;
  return size > 0;
}

static bool run_sign(EVP_MD_CTX *context, EVP_PKEY *key, struct signing *s) {
  s->size = sizeof s->signature;
  return EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(context, s->signature, &s->size,
                        (const unsigned char *)s->text, s->length) == 1 &&
         (!s->curve || flatten(s));
}

static bool run_verify(EVP_MD_CTX *context, EVP_PKEY *key, struct signing *s) {
  if (s->curve && (s->size != 2 * HALF || !unflatten(s))) return false;
  return EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestVerify(context, s->signature, s->size,
                          (const unsigned char *)s->text, s->length) == 1;
}

/* Runs one of them with the key that is argument 2 and leaves nothing in
 * OpenSSL's queue of errors. Returns the word for what is wrong with the key.
 */
static const char *with_key(lua_State *L, struct signing *s, bool secret,
                            bool *good, char *words, size_t room) {
  size_t length;
  const char *fault;
  const char *pem = luaL_checklstring(L, 2, &length);
  EVP_PKEY *key = jwt_key_read(pem, length, secret, &fault);
  if (key) {
    jwt_key_words(key, words, room);
    fault = jwt_key_unfit(key, s->curve);
    EVP_MD_CTX *context = fault ? NULL : EVP_MD_CTX_new();
    *good = context && (secret ? run_sign : run_verify)(context, key, s);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
  }
  ERR_clear_error();
  return fault;
}

/* A fault of the key: nil, word, what the key is. */
static int push_fault(lua_State *L, const char *fault, const char *words) {
  lua_pushnil(L);
  lua_pushstring(L, fault);
  lua_pushstring(L, words);
  return 3;
}

/* sign(algorithm, key, text) -> bytes, or nil and a fault */
static int sign(lua_State *L) {
  struct signing s = {.curve = check_algorithm(L)};
  bool good = false;
  char words[96] = "";
  s.text = luaL_checklstring(L, 3, &s.length);
  const char *fault = with_key(L, &s, true, &good, words, sizeof words);
  if (fault) return push_fault(L, fault, words);
  if (!good) return error_raise(L, "error", "jwt.sign: OpenSSL failed");
  lua_pushlstring(L, (const char *)s.signature, s.size);
  return 1;
}

/* verify(algorithm, key, text, signature) -> boolean, or nil and a fault */
static int verify(lua_State *L) {
  struct signing s = {.curve = check_algorithm(L)};
  bool good = false;
  char words[96] = "";
  s.text = luaL_checklstring(L, 3, &s.length);
  const char *bytes = luaL_checklstring(L, 4, &s.size);
  /* Longer than any signature: tried all the same, for the sake of the key. */
  if (s.size > sizeof s.signature) s.size = 0;
  memcpy(s.signature, bytes, s.size);
  const char *fault = with_key(L, &s, false, &good, words, sizeof words);
  if (fault) return push_fault(L, fault, words);
  lua_pushboolean(L, good);
  return 1;
}

int luaopen_orch_core_jwt(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"sign", sign}, {"verify", verify}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
