/*
 * pickle.c - steps over opcodes and their arguments. The table says how long
 * an argument is and what an operation does to the question "does this run
 * something?"; no stack is kept, so the answer errs towards yes.
 */
#include "scan/pickle.h"

#include "scan/win.h"

/* Opcodes of one file that are looked at. A file with more is a pickle by
 * then. */
#define STEPS_MAX (1u << 20)
#define LINE_MAX_BYTES 4096u
#define PROTO 0x80
#define PROTO_MAX 5

/* How long an argument is. */
enum argument {
    A_BAD, /* no opcode */
    A_0,   /* none */
    A_1,   /* that many bytes */
    A_2,
    A_4,
    A_8,
    A_LINE,  /* to the end of the line */
    A_2LINE, /* two lines: module and name */
    A_L1,    /* length in that many bytes, then so many */
    A_L4,
    A_L8,
};

/* What an operation means for us. */
enum effect {
    E_NONE,
    E_GLOBAL, /* imports */
    E_CALL,   /* calls, or sets attributes */
    E_STOP,
};

struct op {
    uint8_t argument, effect;
};

static const struct op ops[256] = {
    ['('] = {A_0, 0},
    ['.'] = {A_0, E_STOP},
    ['0'] = {A_0, 0},
    ['1'] = {A_0, 0},
    ['2'] = {A_0, 0},
    ['F'] = {A_LINE, 0},
    ['I'] = {A_LINE, 0},
    ['J'] = {A_4, 0},
    ['K'] = {A_1, 0},
    ['L'] = {A_LINE, 0},
    ['M'] = {A_2, 0},
    ['N'] = {A_0, 0},
    ['P'] = {A_LINE, 0},
    ['Q'] = {A_0, 0},
    ['R'] = {A_0, E_CALL},
    ['S'] = {A_LINE, 0},
    ['T'] = {A_L4, 0},
    ['U'] = {A_L1, 0},
    ['V'] = {A_LINE, 0},
    ['X'] = {A_L4, 0},
    ['a'] = {A_0, 0},
    ['b'] = {A_0, E_CALL},
    ['c'] = {A_2LINE, E_GLOBAL},
    ['d'] = {A_0, 0},
    ['e'] = {A_0, 0},
    ['g'] = {A_LINE, 0},
    ['h'] = {A_1, 0},
    ['i'] = {A_2LINE, E_GLOBAL},
    ['j'] = {A_4, 0},
    ['l'] = {A_0, 0},
    ['o'] = {A_0, E_CALL},
    ['p'] = {A_LINE, 0},
    ['q'] = {A_1, 0},
    ['r'] = {A_4, 0},
    ['s'] = {A_0, 0},
    ['t'] = {A_0, 0},
    ['u'] = {A_0, 0},
    ['}'] = {A_0, 0},
    [']'] = {A_0, 0},
    [')'] = {A_0, 0},
    ['G'] = {A_8, 0},
    ['B'] = {A_L4, 0},
    ['C'] = {A_L1, 0},
    [PROTO] = {A_1, 0},
    [0x81] = {A_0, E_CALL},
    [0x82] = {A_1, E_GLOBAL},
    [0x83] = {A_2, E_GLOBAL},
    [0x84] = {A_4, E_GLOBAL},
    [0x85] = {A_0, 0},
    [0x86] = {A_0, 0},
    [0x87] = {A_0, 0},
    [0x88] = {A_0, 0},
    [0x89] = {A_0, 0},
    [0x8a] = {A_L1, 0},
    [0x8b] = {A_L4, 0},
    [0x8c] = {A_L1, 0},
    [0x8d] = {A_L8, 0},
    [0x8e] = {A_L8, 0},
    [0x8f] = {A_0, 0},
    [0x90] = {A_0, 0},
    [0x91] = {A_0, 0},
    [0x92] = {A_0, E_CALL},
    [0x93] = {A_0, E_GLOBAL},
    [0x94] = {A_0, 0},
    [0x95] = {A_8, 0},
    [0x96] = {A_L8, 0},
    [0x97] = {A_0, 0},
    [0x98] = {A_0, 0},
};

struct walk {
    struct scan_win w;
    bool header; /* it began with a protocol number */
    bool global, call, stop;
    unsigned steps;
};

/* One line; with `name`, it must look like a dotted Python name. */
static bool line(struct walk *k, bool name)
{
    for (size_t n = 0; n < LINE_MAX_BYTES; n++) {
        if (!scan_win_fill(&k->w)) {
            return false;
        }
        uint8_t c = k->w.buf[k->w.at++];
        if (c == '\n') {
            return n > 0 || !name;
        }
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '_' || c >= 0x80;
        bool later = n > 0 && ((c >= '0' && c <= '9') || c == '.');
        if (name && !letter && !later) {
            return false;
        }
    }
    return false;
}

static bool counted(struct walk *k, unsigned bytes)
{
    uint64_t n = bytes == 1   ? scan_win_u8(&k->w)
                 : bytes == 4 ? scan_win_u32(&k->w)
                              : scan_win_u64(&k->w);
    return !k->w.bad && scan_win_skip(&k->w, n);
}

static bool argument(struct walk *k, enum argument a)
{
    switch (a) {
    case A_0:
        return true;
    case A_1:
        return scan_win_skip(&k->w, 1);
    case A_2:
        return scan_win_skip(&k->w, 2);
    case A_4:
        return scan_win_skip(&k->w, 4);
    case A_8:
        return scan_win_skip(&k->w, 8);
    case A_LINE:
        return line(k, false);
    case A_2LINE:
        return line(k, true) && line(k, true);
    case A_L1:
        return counted(k, 1);
    case A_L4:
        return counted(k, 4);
    case A_L8:
        return counted(k, 8);
    case A_BAD:
        break;
    }
    return false;
}

/* One operation; false when there is none, or at the end. */
static bool step(struct walk *k)
{
    if (!scan_win_fill(&k->w)) {
        return false;
    }
    const struct op *op = &ops[k->w.buf[k->w.at++]];
    if (!argument(k, (enum argument)op->argument)) {
        return false;
    }
    k->global |= op->effect == E_GLOBAL;
    k->call |= op->effect == E_CALL && k->global;
    k->stop = op->effect == E_STOP;
    return !k->stop && ++k->steps < STEPS_MAX;
}

/* With a protocol number, an import is enough; without one, many texts begin
 * with an opcode by chance, so an import must be followed by a call or by the
 * end of the pickle. */
static bool verdict(const struct walk *k)
{
    if (k->steps == STEPS_MAX) {
        return true;
    }
    if (k->header) {
        return k->stop || k->global;
    }
    return k->global && (k->stop || k->call);
}

bool scan_pickle_looks(const struct wh_src *src, bool *out, struct wh_err *err)
{
    struct walk k = {0};
    scan_win_init(&k.w, src, 0, src->size, err);
    if (scan_win_fill(&k.w)) {
        k.header = k.w.n >= 2 && k.w.buf[0] == PROTO && k.w.buf[1] <= PROTO_MAX;
    }
    while (step(&k)) {
        continue;
    }
    bool failed = k.w.failed;
    *out = !failed && verdict(&k);
    scan_win_done(&k.w);
    return !failed;
}
