/*
 * note_fuzz.c - any bytes as a signed note: views stay inside, and a note that
 * parses is text, a blank line and lines, exactly.
 */
#include "base/err.h"
#include "tlog/note.h"
#include "tlog/testkeys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlog_note note;
    struct tlog_vkey log, witness;
    struct wh_err err = {0};
    struct wh_str in = wh_str_mem(data, size);
    if (!tlog_note_parse(in, &note, &err)) {
        return 0;
    }
    wh_assert(note.n >= 1 && note.n <= TLOG_NOTE_SIGS);
    wh_assert(note.text.p == in.p && note.text.n < in.n);
    size_t sum = note.text.n + 1;
    for (size_t i = 0; i < note.n; i++) {
        sum += 3 + 1 + note.sigs[i].name.n + 1 + note.sigs[i].base64.n + 1;
    }
    wh_assert(sum == in.n);
    bool ok = tlog_vkey_parse(WH_S(TEST_LOG_VKEY), &log, &err) &&
              tlog_vkey_parse(WH_S(TEST_WITNESS_VKEY), &witness, &err);
    wh_assert(ok);
    uint64_t time;
    if (tlog_note_verify(&note, &log, &time, &err)) {
        wh_assert(time == 0);
    }
    if (tlog_note_verify(&note, &witness, &time, &err)) {
        wh_assert(time <= INT64_MAX);
    }
    return 0;
}
