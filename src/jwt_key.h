/* Keys in PEM as OpenSSL has them: PKCS#8 (Apple's .p8), PKCS#1, SEC1 and
 * public ones. Never asks anybody for a passphrase. No Lua here. */
#ifndef ORCH_JWT_KEY_H
#define ORCH_JWT_KEY_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

/* What is wrong with a key, in a word that Lua makes a sentence of. */
#define JWT_KEY_NONE "none"
#define JWT_KEY_ENCRYPTED "encrypted"
#define JWT_KEY_PUBLIC "public"
#define JWT_KEY_TYPE "type"
#define JWT_KEY_CURVE "curve"
#define JWT_KEY_SHORT "short"

/* The key in `pem`, the caller's to free, or NULL and the word in `fault`. With
 * `secret` only a private key will do. */
EVP_PKEY *jwt_key_read(const char *pem, size_t length, bool secret,
                       const char **fault);

/* NULL when the key signs and verifies by ES256, or by RS256; else the word. */
const char *jwt_key_unfit(const EVP_PKEY *key, bool curve);

/* What the key is: "RSA, 2048 bits", "EC secp384r1". */
void jwt_key_words(const EVP_PKEY *key, char *words, size_t room);

#endif
