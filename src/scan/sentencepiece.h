/*
 * sentencepiece.h - the vocabulary of a SentencePiece tokenizer
 * (`tokenizer.model`, `spiece.model`): a protocol buffer, read field by field.
 * Owner: the window is the caller's.
 * Never: decodes what a field means; steps over a field that it does not know,
 * because what is not known could be anything.
 */
#ifndef WH_SCAN_SENTENCEPIECE_H
#define WH_SCAN_SENTENCEPIECE_H

#include "scan/walk.h"

/* Given a window over the whole file. ENDS: every byte belongs to a field of
 * ModelProto that is as sentencepiece_model.proto (of SentencePiece 0.2) says,
 * and there are pieces and the settings of their trainer; else BROKEN. */
enum scan_walk scan_walk_sentencepiece(struct wh_win *w);

#endif
