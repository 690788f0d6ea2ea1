#!/usr/bin/env bash
# Pushes the four samples to a running server with the ordinary hf client:
# WEIGHHOUSE_URL and WEIGHHOUSE_TOKEN say which and as whom (./dev demo; ./dev
# run calls it). What is there already is not pushed again.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
source tools/dev/lib.sh
source tools/dev/install.sh
source tools/dev/models.sh

URL=${WEIGHHOUSE_URL:-http://127.0.0.1:8080}
URL=${URL%/}
: "${WEIGHHOUSE_TOKEN:?is not set: the token of an account, see DATA/admin.token}"
WORK=${WH_DEMO:-.dev/demo}

# A client home of its own, so that nobody's tokens and caches are touched.
hf() {
    HF_HOME=$PWD/.dev/hf HF_ENDPOINT=$URL HF_TOKEN=$WEIGHHOUSE_TOKEN \
        .dev/venv/bin/hf "$@"
}

# The card is in the same commit as everything else.
is_there() {
    curl -fs -o /dev/null -H "Authorization: Bearer $WEIGHHOUSE_TOKEN" \
        "$URL/$1demo/$2/resolve/main/README.md"
}

need_org() {
    local code=0 said
    said=$("${WEIGHHOUSE_BIN:?}" org create demo \
        --fullname "Demonstration" 2>&1) || code=$?
    if ((code == 0)); then
        say "$said"
    elif [[ $said != *"of this name exists"* ]]; then
        die "$said"
    fi
}

# push TYPE PREFIX NAME: one folder as one commit.
push() {
    local type=$1 prefix=$2 name=$3 began=$SECONDS
    if is_there "$prefix" "$name"; then
        say "demo/$name is there"
        return 0
    fi
    if [[ $type == space ]]; then
        hf repos create "demo/$name" --type space --sdk static --exist-ok >/dev/null
    fi
    say "pushing demo/$name ($(du -sh "$WORK/samples/$name" | cut -f1))"
    hf upload "demo/$name" "$WORK/samples/$name" --type "$type"
    say "demo/$name pushed, weighed and decided ($((SECONDS - began)) s)"
}

all_there() {
    is_there "" all-minilm-l6-v2 && is_there "" smollm2-135m-instruct &&
        is_there datasets/ harbour-tolls && is_there spaces/ compute-scale
}

main() {
    export WEIGHHOUSE_URL=$URL
    if all_there; then
        say "the samples are there; nothing to push"
        return 0
    fi
    need_models
    need_org
    write_samples "$WORK/samples"
    push model "" all-minilm-l6-v2
    push model "" smollm2-135m-instruct
    push dataset datasets/ harbour-tolls
    push space spaces/ compute-scale
    rm -rf "$WORK/samples"
}

main
