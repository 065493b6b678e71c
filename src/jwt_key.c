/* See jwt_key.h. */
#include "jwt_key.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

/* RFC 7518 takes no shorter RSA key. */
#define RSA_BITS 2048

/* OpenSSL's own callback would ask on the terminal. */
static int no_passphrase(char *to, int room, int writing, void *asked) {
  (void)to, (void)room, (void)writing;
  *(bool *)asked = true;
  return -1;
}

/* The memory is only read where it lies: no copy of a key is left behind. */
static EVP_PKEY *read_one(const char *pem, size_t length, bool secret,
                          bool *asked) {
  BIO *bio = BIO_new_mem_buf(pem, (int)length);
  if (!bio) return NULL;
  EVP_PKEY *key = secret
                      ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, asked)
                      : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, asked);
  BIO_free(bio);
  return key;
}

EVP_PKEY *jwt_key_read(const char *pem, size_t length, bool secret,
                       const char **fault) {
  bool asked = false;
  *fault = JWT_KEY_NONE;
  if (length > INT_MAX) return NULL;
  EVP_PKEY *key = read_one(pem, length, true, &asked);
  if (key) return key;
  if (asked) {
    *fault = JWT_KEY_ENCRYPTED;
    return NULL;
  }
  key = read_one(pem, length, false, &asked);
  if (!key || !secret) return key;
  EVP_PKEY_free(key);
  *fault = JWT_KEY_PUBLIC;
  return NULL;
}

static bool group_of(const EVP_PKEY *key, char *name, size_t room) {
  size_t length;
  return EVP_PKEY_get_group_name(key, name, room, &length) == 1;
}

const char *jwt_key_unfit(const EVP_PKEY *key, bool curve) {
  char name[64];
  if (!EVP_PKEY_is_a(key, curve ? "EC" : "RSA")) return JWT_KEY_TYPE;
  if (!curve) return EVP_PKEY_get_bits(key) < RSA_BITS ? JWT_KEY_SHORT : NULL;
  bool fits = group_of(key, name, sizeof name) &&
              (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0);
  return fits ? NULL : JWT_KEY_CURVE;
}

void jwt_key_words(const EVP_PKEY *key, char *words, size_t room) {
  char group[64];
  const char *type = EVP_PKEY_get0_type_name(key);
  if (EVP_PKEY_is_a(key, "EC") && group_of(key, group, sizeof group))
    snprintf(words, room, "EC %s", group);
  else
    snprintf(words, room, "%s, %d bits", type ? type : "unknown",
             EVP_PKEY_get_bits(key));
}
