/*
 * walk.h - following the structure of a picture, a sound, a table or a document
 * from its first byte to its end.
 * Owner: the window is the caller's.
 * Never: decodes what the structure carries; calls a file by a mark alone:
 * bytes that only begin like a picture are no picture.
 */
#ifndef WH_SCAN_WALK_H
#define WH_SCAN_WALK_H

#include "base/win.h"

enum scan_walk {
    SCAN_WALK_BROKEN, /* it has the mark but not the structure */
    SCAN_WALK_SEEN,   /* the structure holds; its inside is not followed */
    SCAN_WALK_ENDS,   /* followed to its end: the window's offset */
};

/* Each is given a window over the whole file, behind nothing. A failure of the
 * source shows in w->failed. */
enum scan_walk scan_walk_png(struct wh_win *w);
enum scan_walk scan_walk_jpeg(struct wh_win *w);
enum scan_walk scan_walk_gif(struct wh_win *w);
enum scan_walk scan_walk_riff(struct wh_win *w);
enum scan_walk scan_walk_ogg(struct wh_win *w);
enum scan_walk scan_walk_flac(struct wh_win *w);
enum scan_walk scan_walk_pdf(struct wh_win *w);
enum scan_walk scan_walk_parquet(struct wh_win *w);
enum scan_walk scan_walk_arrow(struct wh_win *w);

#endif
