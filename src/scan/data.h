/*
 * data.h - pictures, sound, documents and tables: known containers of data.
 * Owner: nothing is owned.
 * Never: decodes; believes a mark without the structure behind it.
 */
#ifndef WH_SCAN_DATA_H
#define WH_SCAN_DATA_H

#include "scan/program.h"

struct scan_data_look {
    bool found; /* it has the mark and the structure of the format */
    enum scan_format format;
    bool whole;  /* its structure was followed to the last byte */
    uint64_t at; /* if not whole and `tail`: where unexplained bytes begin */
    bool tail;
};

/* A source failure is the only error. */
bool scan_data_look(const struct scan_head *h, struct scan_data_look *out,
                    struct wh_err *err) WH_CHECK;

#endif
