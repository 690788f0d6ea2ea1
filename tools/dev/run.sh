#!/usr/bin/env bash
# ./dev run [ADDRESS:PORT]: the server with the sample models, until Ctrl-C.
# Everything is in .dev/demo and stays there between runs; ./dev clean takes it
# away.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
source tools/dev/lib.sh
source tools/dev/tour.sh
source tools/dev/approvers.sh

LISTEN=${1:-127.0.0.1:8080}
WORK=${WH_DEMO:-.dev/demo}
SERVER=
ENGINE=

# The classifier of the watch: as ./dev build made it, else made here, in seconds.
# Without the rows there is none: then nothing is counted against anybody.
find_classifier() {
    local beside=${WEIGHHOUSE_BIN%/*}/watch.model data=${WH_SHARED:-../shared}/data
    if [[ -f $beside ]]; then
        readlink -f "$beside"
    elif [[ -f $data/hijack/train.jsonl.gz ]]; then
        [[ -f $WORK/watch.model ]] || "$WEIGHHOUSE_BIN" watch train \
            "$data"/{hijack,harm}/train.jsonl.gz -o "$WORK/watch.model" >>"$WORK/log.txt" 2>&1
        readlink -f "$WORK/watch.model"
    fi
}

# The prompts of exams, where they are there; WH_EXAM_SET names others.
find_exam_set() {
    local set=${WH_EXAM_SET:-${WH_SHARED:-../shared}/data/harm}
    [[ ! -d $set ]] || readlink -f "$set"
}

write_config() {
    mkdir -p "$WORK"
    cat >"$WORK/weighhouse.conf" <<END
[keys]
dir = $(readlink -f "$WORK")/keys

[lines]
enforce = limited.default, hold.unknown, demo.low

[gateway]
engine = $(bash tools/dev/engine.sh --where || true)

[watch]
classifier = $(find_classifier)

[exam]
set = $(find_exam_set)
END
}

# What runs hosted models takes minutes to build where there is none; nobody
# waits for it. A session of its own, so that the end of this script is its end.
build_engine() {
    if bash tools/dev/engine.sh --where >/dev/null; then
        return 0
    fi
    say "building the engine in the background (once, some minutes; $WORK/engine.log)"
    setsid bash -c 'source tools/dev/lib.sh
        if bash tools/dev/engine.sh >"$1" 2>&1; then
            say "the engine is ready: hosted models can be asked"
        else
            say "the engine could not be built, see $1"
        fi' engine "$WORK/engine.log" &
    ENGINE=$!
}

# The server in a session of its own: Ctrl-C reaches this script alone, which
# then ends the server in order.
start() {
    local began=$SECONDS
    say "starting the server on $LISTEN, data in $WORK"
    : >"$WORK/ready"
    setsid "$WEIGHHOUSE_BIN" serve --data "$WORK/data" --listen "$LISTEN" \
        --config "$WORK/weighhouse.conf" >"$WORK/ready" 2>>"$WORK/log.txt" &
    SERVER=$!
    until [[ -s $WORK/ready ]]; do
        if ! kill -0 "$SERVER" 2>/dev/null || ((SECONDS - began > 60)); then
            tail -5 "$WORK/log.txt" >&2
            die "the server did not start, see $WORK/log.txt"
        fi
        sleep 0.1
    done
    read -r _ WEIGHHOUSE_URL <"$WORK/ready"
    WEIGHHOUSE_TOKEN=$(<"$WORK/data/admin.token")
    export WEIGHHOUSE_URL WEIGHHOUSE_TOKEN
}

stop() {
    trap - INT TERM EXIT
    [[ -z $ENGINE ]] || kill -TERM -- "-$ENGINE" 2>/dev/null || true
    if [[ -n $SERVER ]] && kill -0 "$SERVER" 2>/dev/null; then
        say "stopping"
        kill -TERM "$SERVER"
        wait "$SERVER" || true
        say "stopped; the data stays in $WORK, ./dev clean takes it away"
    fi
}

trap 'stop; exit 0' INT TERM
trap stop EXIT
write_config
start
bash tools/dev/demo.sh
found_demo_approvers
build_engine
print_tour "$WEIGHHOUSE_URL" "$WORK"
wait "$SERVER" || die "the server ended, see $WORK/log.txt"
