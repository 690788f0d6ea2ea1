/*
 * proof_fuzz.c - any bytes as a tlog-proof: what parses is written back byte
 * for byte.
 */
#include "tlog/proof.h"
#include "tlog/testkeys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlog_proof proof;
    struct tlog_vkey key;
    struct wh_err err = {0};
    struct wh_str in = wh_str_mem(data, size);
    if (!tlog_proof_parse(in, &proof, &err)) {
        return 0;
    }
    wh_assert(proof.path.n <= TLOG_PATH_MAX);
    struct wh_buf out;
    wh_buf_init(&out, 2 * TLOG_PROOF_MAX);
    tlog_proof_text(&proof, &out);
    wh_assert(wh_str_eq(wh_buf_str(&out), in));
    wh_buf_done(&out);
    bool ok = tlog_vkey_parse(WH_S(TEST_LOG_VKEY), &key, &err);
    wh_assert(ok);
    struct tlog_hash leaf = {{0}};
    ok = tlog_proof_verify(&proof, &leaf, &key, NULL, &err);
    wh_assert(!ok); /* no entry has the hash zero */
    return 0;
}
