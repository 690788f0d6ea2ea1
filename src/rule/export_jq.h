/*
 * export_jq.h - a line as a self-contained jq program.
 * Owner: writes into the caller's buffer.
 * Never: writes a program that answers differently from rule_eval; eval.jq
 * says which of its two sides decides what.
 */
#ifndef WH_RULE_EXPORT_JQ_H
#define WH_RULE_EXPORT_JQ_H

#include "rule/line.h"

/* The program: a head of comments (what, which line, which digest), eval.jq,
 * and the line as a constant. Up to 64 KiB; check wh_buf_ok. */
void rule_export_jq(const struct rule_line *line, struct wh_buf *b);

#endif
