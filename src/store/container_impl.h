/*
 * container_impl.h - layout and sealing shared by the container's writer and
 * readers; for this room only.
 * Owner: see the structs.
 * Never: included by anything but store/container*.c.
 */
#ifndef WH_STORE_CONTAINER_IMPL_H
#define WH_STORE_CONTAINER_IMPL_H

#include "crypto/aead.h"
#include "store/container.h"

#define PAGE 4096u
#define RECORD STORE_CONTAINER_RECORD
#define GROUP 256u /* records */
#define TAG CRYPTO_AEAD_TAG
#define TRAILER_PLAIN 48u
#define TRAILER (TRAILER_PLAIN + TAG)
#define TRAILER_NUMBER UINT64_MAX
/* Records that are read or written in one call. */
#define BATCH 16u

/* Where record r and its tag stand. */
uint64_t store_container_record_at(uint64_t r);
uint64_t store_container_tag_at(uint64_t r);
/* Where the trailer stands for this length of plaintext. */
uint64_t store_container_end_at(uint64_t length);
/* Records of this length of plaintext, and bytes of record r. */
uint64_t store_container_count(uint64_t length);
size_t store_container_record_size(uint64_t length, uint64_t r);

/* What seals and opens records of one container. */
struct store_sealer {
    uint8_t id[STORE_CONTAINER_ID];
    struct crypto_aead *aead;
};

/* Begin and end; the key is copied, and wiped at the end. */
void store_sealer_init(struct store_sealer *s,
                       const uint8_t id[STORE_CONTAINER_ID],
                       const uint8_t key[STORE_CONTAINER_KEY]);
void store_sealer_done(struct store_sealer *s);
/* in and out may be the same memory. */
void store_sealer_seal(struct store_sealer *s, uint64_t number, const void *in,
                       size_t n, void *out, uint8_t tag[TAG]);
bool store_sealer_open(struct store_sealer *s, uint64_t number, void *bytes,
                       size_t n, const uint8_t tag[TAG],
                       struct wh_err *err) WH_CHECK;
/* The header page of a container. */
void store_container_header(const uint8_t id[STORE_CONTAINER_ID],
                            uint8_t out[PAGE]);
/* Read and compare it; WH_CORRUPT unless it is exactly that. */
bool store_container_check_header(int fd, const uint8_t id[STORE_CONTAINER_ID],
                                  struct wh_err *err) WH_CHECK;

/* The opened trailer. */
struct store_trailer {
    uint64_t count, length;
    uint8_t digest[32];
};

/* Read and open the trailer of a finished container, and check that its
 * numbers and the size of the file belong together. */
bool store_trailer_read(int fd, struct store_sealer *s,
                        struct store_trailer *out, struct wh_err *err) WH_CHECK;
/* Unused tags of the last group must be zero. */
bool store_container_check_unused(int fd, uint64_t count,
                                  struct wh_err *err) WH_CHECK;
/* Read n records from r, of a container of this length, all of one group:
 * ciphertext to buf and tags; then open them in place. */
bool store_container_load(int fd, struct store_sealer *s, uint64_t r,
                          uint64_t n, uint64_t length, uint8_t *buf,
                          uint8_t tags[BATCH * TAG],
                          struct wh_err *err) WH_CHECK;

#endif
