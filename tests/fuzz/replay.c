/*
 * Replays corpora through a fuzz target in the ordinary test run: every file
 * named on the command line, and every file below every folder named there,
 * goes through LLVMFuzzerTestOneInput once. A corpus that is missing or empty
 * is said aloud, so that a test that replays nothing is seen to do so.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MAX_INPUT (64L * 1024L * 1024L)
#define MAX_OPEN_FOLDERS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static int fail(const char *path, const char *why)
{
    fprintf(stderr, "replay: %s: %s\n", path, why);
    return 1;
}

/* One file through the target. The copy has exactly the file's size, so that
 * ASan sees a read behind the input. */
static int replay_file(const char *path, size_t size)
{
    if (size > (size_t)MAX_INPUT) {
        return fail(path, "larger than a corpus file may be");
    }
    FILE *f = fopen(path, "rbe");
    if (!f) {
        return fail(path, "can not be opened");
    }
    uint8_t *data = malloc(size ? size : 1);
    int bad = !data || fread(data, 1, size, f) != size;
    (void)fclose(f);
    if (bad) {
        free(data);
        return fail(path, "can not be read");
    }
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    replayed++;
    return 0;
}

static int visit(const char *path, const struct stat *st, int type,
                 struct FTW *ftw)
{
    (void)ftw;
    return type == FTW_F && S_ISREG(st->st_mode)
               ? replay_file(path, (size_t)st->st_size)
               : 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        unsigned long before = replayed;
        struct stat st;
        if (stat(argv[i], &st) != 0) {
            printf("replay: %s: missing, nothing replayed\n", argv[i]);
        } else if (nftw(argv[i], visit, MAX_OPEN_FOLDERS, FTW_PHYS) != 0) {
            return 1;
        } else if (replayed == before) {
            printf("replay: %s: empty, nothing replayed\n", argv[i]);
        }
    }
    printf("replay: %lu inputs\n", replayed);
    return 0;
}
