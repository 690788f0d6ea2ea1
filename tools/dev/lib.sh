# shellcheck shell=bash
# What every part of ./dev uses: words to the person, and the list of results.

RESULTS=.dev/results.tsv
LOGS=.dev/logs

say() { printf '%s\n' "dev: $*"; }

heading() { printf '\n== %s\n' "$*"; }

die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

results_begin() {
    mkdir -p .dev "$LOGS"
    : >"$RESULTS"
}

# record passed|failed|skipped NAME
record() { printf '%s\t%s\n' "$1" "$2" >>"$RESULTS"; }

# step NAME COMMAND...: run it under a heading, keep its output, record how it
# ended. Returns 1 when it failed.
step() {
    local name=$1 log began=$SECONDS
    log=$LOGS/${name//[^a-zA-Z0-9]/_}.log
    shift
    heading "$name"
    if "$@" 2>&1 | tee "$log"; then
        record passed "$name"
        say "$name: good ($((SECONDS - began)) s)"
    else
        record failed "$name"
        say "$name: FAILED ($((SECONDS - began)) s), see $log"
        return 1
    fi
}

# The failures by name, then the one line that says how it went.
results_end() {
    python3 tools/dev/results.py total "$RESULTS"
}
