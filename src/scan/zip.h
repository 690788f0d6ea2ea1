/*
 * zip.h - is there a zip archive in these bytes, and can its members be code?
 * Owner: nothing is owned.
 * Never: decompresses; reads more than the directory at the end.
 *
 * Source: PKWARE's APPNOTE, sections 4.3.12 and 4.3.16.
 */
#ifndef WH_SCAN_ZIP_H
#define WH_SCAN_ZIP_H

#include "base/err.h"
#include "base/src.h"

struct scan_zip_look {
    bool found;  /* a zip reader would open it, from the front or the back */
    bool code;   /* a member is run or unpickled when such archives load */
    uint64_t at; /* where the archive's evidence stands */
};

/* A source failure is the only error. */
bool scan_zip_look(const struct wh_src *src, struct scan_zip_look *out,
                   struct wh_err *err) WH_CHECK;

#endif
