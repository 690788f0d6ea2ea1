/*
 * pickle.c - steps over opcodes and their arguments. The table says how long
 * an argument is, what an operation means for the question "does this run
 * something?", and how it moves the stack; of the stack only the height is
 * kept, so the answer errs towards yes.
 */
#include "scan/pickle.h"

#include "base/mem.h"
#include "base/win.h"

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
    E_EXT,    /* imports what a registry of the loader names */
    E_CALL,   /* calls, or sets attributes */
    E_STOP,
    E_MARK,
};

/* An operation: length of its argument, what it means, how many values it
 * takes from the stack (first all down to the mark, if `mark`) and leaves. */
struct op {
    uint8_t argument, effect, mark, pops, pushes;
};

#define PUSH(arg)                \
    {                            \
        A_##arg, E_NONE, 0, 0, 1 \
    }
#define KEEP(arg)                \
    {                            \
        A_##arg, E_NONE, 0, 1, 1 \
    }

static const struct op ops[256] = {
    ['('] = {A_0, E_MARK, 0, 0, 0},
    ['.'] = {A_0, E_STOP, 0, 1, 0},
    ['0'] = {A_0, E_NONE, 0, 1, 0},
    ['1'] = {A_0, E_NONE, 1, 0, 0},
    ['2'] = {A_0, E_NONE, 0, 1, 2},
    /* constants and empty containers */
    ['F'] = PUSH(LINE),
    ['I'] = PUSH(LINE),
    ['J'] = PUSH(4),
    ['K'] = PUSH(1),
    ['L'] = PUSH(LINE),
    ['M'] = PUSH(2),
    ['N'] = PUSH(0),
    ['S'] = PUSH(LINE),
    ['T'] = PUSH(L4),
    ['U'] = PUSH(L1),
    ['V'] = PUSH(LINE),
    ['X'] = PUSH(L4),
    ['G'] = PUSH(8),
    ['B'] = PUSH(L4),
    ['C'] = PUSH(L1),
    ['}'] = PUSH(0),
    [']'] = PUSH(0),
    [')'] = PUSH(0),
    [0x88] = PUSH(0),
    [0x89] = PUSH(0),
    [0x8a] = PUSH(L1),
    [0x8b] = PUSH(L4),
    [0x8c] = PUSH(L1),
    [0x8d] = PUSH(L8),
    [0x8e] = PUSH(L8),
    [0x8f] = PUSH(0),
    [0x96] = PUSH(L8),
    [0x97] = PUSH(0),
    /* memory and persistent names */
    ['g'] = PUSH(LINE),
    ['h'] = PUSH(1),
    ['j'] = PUSH(4),
    ['P'] = PUSH(LINE),
    ['p'] = KEEP(LINE),
    ['q'] = KEEP(1),
    ['r'] = KEEP(4),
    ['Q'] = KEEP(0),
    [0x94] = KEEP(0),
    [0x98] = KEEP(0),
    /* filling containers */
    ['a'] = {A_0, E_NONE, 0, 2, 1},
    ['s'] = {A_0, E_NONE, 0, 3, 1},
    ['e'] = {A_0, E_NONE, 1, 1, 1},
    ['u'] = {A_0, E_NONE, 1, 1, 1},
    ['d'] = {A_0, E_NONE, 1, 0, 1},
    ['l'] = {A_0, E_NONE, 1, 0, 1},
    ['t'] = {A_0, E_NONE, 1, 0, 1},
    [0x85] = KEEP(0),
    [0x86] = {A_0, E_NONE, 0, 2, 1},
    [0x87] = {A_0, E_NONE, 0, 3, 1},
    [0x90] = {A_0, E_NONE, 1, 1, 1},
    [0x91] = {A_0, E_NONE, 1, 0, 1},
    /* imports and calls */
    ['c'] = {A_2LINE, E_GLOBAL, 0, 0, 1},
    [0x93] = {A_0, E_GLOBAL, 0, 2, 1},
    [0x82] = {A_1, E_EXT, 0, 0, 1},
    [0x83] = {A_2, E_EXT, 0, 0, 1},
    [0x84] = {A_4, E_EXT, 0, 0, 1},
    ['i'] = {A_2LINE, E_GLOBAL, 1, 0, 1},
    ['R'] = {A_0, E_CALL, 0, 2, 1},
    ['o'] = {A_0, E_CALL, 1, 0, 1},
    ['b'] = {A_0, E_CALL, 0, 2, 1},
    [0x81] = {A_0, E_CALL, 0, 2, 1},
    [0x92] = {A_0, E_CALL, 0, 3, 1},
    /* framing */
    [PROTO] = {A_1, E_NONE, 0, 0, 0},
    [0x95] = {A_8, E_NONE, 0, 0, 0},
};

#define MARKS_MAX 4096u

struct walk {
    struct wh_win w;
    bool header; /* it began with a protocol number */
    bool global, call, stop, deep;
    unsigned steps;
    uint64_t depth;            /* values above the last mark */
    uint64_t below[MARKS_MAX]; /* values between the marks under it */
    unsigned marks;
};

/* One line; with `name`, it must look like a dotted Python name. */
static bool line(struct walk *k, bool name)
{
    for (size_t n = 0; n < LINE_MAX_BYTES; n++) {
        if (!wh_win_fill(&k->w)) {
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

/* Module and name. */
static bool two_lines(struct walk *k)
{
    bool names = !k->header;
    if (!line(k, names)) {
        return false;
    }
    return line(k, names);
}

static bool counted(struct walk *k, unsigned bytes)
{
    uint64_t n = bytes == 1   ? wh_win_u8(&k->w)
                 : bytes == 4 ? wh_win_u32(&k->w)
                              : wh_win_u64(&k->w);
    return !k->w.bad && wh_win_skip(&k->w, n);
}

static bool argument(struct walk *k, enum argument a)
{
    switch (a) {
    case A_0:
        return true;
    case A_1:
        return wh_win_skip(&k->w, 1);
    case A_2:
        return wh_win_skip(&k->w, 2);
    case A_4:
        return wh_win_skip(&k->w, 4);
    case A_8:
        return wh_win_skip(&k->w, 8);
    case A_LINE:
        return line(k, false);
    case A_2LINE:
        return two_lines(k);
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

/* Move the stack; false where the unpickler would stop with an error. */
static bool move(struct walk *k, const struct op *op)
{
    if (op->effect == E_MARK) {
        if (k->marks == MARKS_MAX) {
            k->deep = true;
            return false;
        }
        k->below[k->marks++] = k->depth;
        k->depth = 0;
        return true;
    }
    if (op->mark) {
        if (k->marks == 0) {
            return false;
        }
        k->depth = k->below[--k->marks];
    }
    if (op == &ops['0'] && k->depth == 0 && k->marks > 0) {
        k->depth = k->below[--k->marks]; /* POP takes a mark as well */
        return true;
    }
    if (k->depth < op->pops) {
        return false;
    }
    k->depth = k->depth - op->pops + op->pushes;
    return true;
}

/* One operation; false when there is none, or at the end. */
static bool step(struct walk *k)
{
    if (!wh_win_fill(&k->w)) {
        return false;
    }
    uint8_t code = k->w.buf[k->w.at++];
    const struct op *op = &ops[code];
    if (!argument(k, (enum argument)op->argument) || !move(k, op)) {
        return false;
    }
    k->global |= op->effect == E_GLOBAL || (op->effect == E_EXT && k->header);
    k->call |= (op->effect == E_CALL && k->global) || code == 'i';
    k->stop = op->effect == E_STOP;
    return !k->stop && ++k->steps < STEPS_MAX;
}

/* With a protocol number, an import is enough; without one, many texts begin
 * with an opcode by chance, so an import must be followed by a call or by the
 * end of the pickle. */
static bool verdict(const struct walk *k)
{
    if (k->steps == STEPS_MAX || k->deep) {
        return true;
    }
    if (k->header) {
        return k->stop || k->global;
    }
    return k->global && (k->stop || k->call);
}

bool scan_pickle_looks(const struct wh_src *src, bool *out, struct wh_err *err)
{
    struct walk *k = wh_alloc(sizeof *k);
    wh_win_init(&k->w, src, 0, src->size, err);
    if (wh_win_fill(&k->w)) {
        k->header =
            k->w.n >= 2 && k->w.buf[0] == PROTO && k->w.buf[1] <= PROTO_MAX;
    }
    for (bool more = true; more;) {
        more = step(k);
    }
    bool failed = k->w.failed;
    *out = !failed && verdict(k);
    wh_win_done(&k->w);
    wh_free(k);
    return !failed;
}
