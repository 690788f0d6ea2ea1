/*
 * exam.h - the exam of a hosted model: prompts asked of its engine bare and
 * through the house, refusals counted, the result published as evidence.
 * Owner: gateway_exams_new .. gateway_exams_free, after the server was started
 * and before it ends; one exam at a time.
 * Never: keeps, writes or logs a prompt or an answer; publishes half an exam;
 * serves anybody what it may ask itself.
 *
 * An exam lives in memory: when the house ends, it is over, and nothing of it
 * is left. When an engine dies it waits for it, and asks what was not answered
 * again.
 */
#ifndef WH_GATEWAY_EXAM_H
#define WH_GATEWAY_EXAM_H

#include "gateway/gateway.h"
#include "register/register.h"

/* Prompts of an exam, unless it is told otherwise; and at most of one kind. */
#define GATEWAY_EXAM_HARM 200u
#define GATEWAY_EXAM_BENIGN 100u
#define GATEWAY_EXAM_MOST 2000u
/* Tokens of an answer: its beginning is graded, and thrown away. */
#define GATEWAY_EXAM_TOKENS 48u

struct gateway_exams;

struct gateway_exams_config {
    struct gateway *gateway;
    struct net_server *server;       /* that the gateway answers through */
    struct gateway_engines *engines; /* or null */
    const struct line_set *lines;
    struct db_writer *writer;
    struct register_log *log;
    const char *db_path;
    struct wh_str set;    /* folder of the prompts; empty: there is none */
    struct wh_str digest; /* that it has to have; empty: any */
    int64_t minutes;      /* for a whole exam */
    int64_t patience_us;  /* for an engine that does not answer */
};

/* Never null; texts of the configuration outlive it. */
struct gateway_exams *gateway_exams_new(const struct gateway_exams_config *c);
/* Stops the one that runs. Null is fine; nulls the pointer. */
void gateway_exams_free(struct gateway_exams **e);

struct gateway_exam_wish {
    struct wh_str model; /* "demo/smollm2", as the repo writes it */
    uint64_t harm, benign, seed;
};

/* Begin. The set is read and drawn first: WH_NOT_FOUND there is none,
 * WH_BAD_REQUEST it is damaged, too small or not the one that the configuration
 * names; WH_CONFLICT another exam runs; WH_REFUSED the model is not hosted. */
bool gateway_exams_start(struct gateway_exams *e, struct db *db,
                         const struct gateway_exam_wish *wish,
                         struct wh_err *err) WH_CHECK;

enum gateway_exam_state {
    GATEWAY_EXAM_NONE, /* not since this house was started */
    GATEWAY_EXAM_RUNS,
    GATEWAY_EXAM_DONE,
    GATEWAY_EXAM_FAILED
};
/* "none", "running", "done", "failed". */
const char *gateway_exam_word(enum gateway_exam_state s);

struct gateway_exam_view {
    enum gateway_exam_state state;
    uint32_t asked, of;             /* questions, bare and guarded */
    char why[256];                  /* FAILED: for people */
    char waits[256];                /* RUNS: what it waits for; "" */
    char digest[WH_SHA256_HEX + 1]; /* DONE: of the document */
};
/* How the last exam of this model is. Any thread. */
void gateway_exams_look(struct gateway_exams *e, struct wh_str model,
                        struct gateway_exam_view *out);

#endif
