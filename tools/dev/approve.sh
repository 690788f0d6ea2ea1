#!/usr/bin/env bash
# ./dev demo approve: plays two of the DEMO approvers of ./dev run, one of each
# house, who decide that the held sample may be hosted: asked here, downloaded
# by nobody. The statement and both signatures are kept beside their keys. Then
# the exam that the line demands, before which the model is served to nobody.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
source tools/dev/lib.sh
source tools/dev/approvers.sh

WORK=${WH_DEMO:-.dev/demo}
MODEL=demo/smollm2-135m-instruct
WEIGHHOUSE_BIN=${WEIGHHOUSE_BIN:-$(command -v weighhouse || true)}
export WEIGHHOUSE_URL=${WEIGHHOUSE_URL:-http://127.0.0.1:8080}
[[ -n ${WEIGHHOUSE_TOKEN:-} || ! -f $WORK/data/admin.token ]] ||
    WEIGHHOUSE_TOKEN=$(<"$WORK/data/admin.token")
export WEIGHHOUSE_TOKEN

# Whether a line demands an exam of it, and whether that is met.
is_demanded() { [[ $("$WEIGHHOUSE_BIN" exam show "$MODEL" --json) == *'"asked": true'* ]]; }
is_met() { [[ $("$WEIGHHOUSE_BIN" exam show "$MODEL") == *'demand    met:'* ]]; }

# A decision is in effect when the register has it, moments after the last
# signature.
wait_until_hosted() {
    local i model
    for ((i = 0; i < 100; i++)); do
        model=$(curl -fs "$WEIGHHOUSE_URL/api/models/$MODEL" || true)
        [[ ! $model =~ \"weights\":\ *\"hosted\" ]] || return 0
        sleep 0.2
    done
    die "the decision is signed, and not in effect yet; is the register well?"
}

# How far it is, at each tenth, and whatever else is said.
tell_progress() {
    local line shown=
    while IFS= read -r line; do
        if [[ $line =~ ^exam:\ ([0-9]+)\ of\ ([1-9][0-9]*)\ [^\;]*(.*)$ ]]; then
            local now=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))${BASH_REMATCH[3]}
            [[ $now != "$shown" ]] || continue
            shown=$now
        fi
        printf '    %s\n' "$line"
    done
}

examine() {
    local began=$SECONDS table=$WORK/approvers/exam.txt
    if ! is_demanded || is_met; then
        return 0
    fi
    if ! grep -q '^set = .' "$WORK/weighhouse.conf"; then
        say "the model waits for its exam, before which line demo.low lets nobody be served,"
        say "and this house has no prompts to ask. WH_EXAM_SET=FOLDER ./dev run takes them from there"
        say "(exam.set in the configuration; docs/formats/exam.md), and else from ../shared/data/harm;"
        say "then: weighhouse exam $MODEL"
        return 0
    fi
    say "the exam that line demo.low demands begins, and takes some minutes; until it ends /v1 and"
    say "the chat say that the model waits. (It goes on in the house when this is interrupted.)"
    "$WEIGHHOUSE_BIN" exam "$MODEL" 2>&1 >"$table" | tell_progress ||
        die "the model waits for its exam; weighhouse exam $MODEL begins it again"
    sed 's/^/    /' "$table"
    say "examined ($((SECONDS - began)) s): see $WEIGHHOUSE_URL/$MODEL"
}

[[ -n $WEIGHHOUSE_BIN ]] || die "weighhouse is not in PATH: ./dev run prints how"
[[ -f $(demo_key ada) ]] || die "there are no DEMO approvers here: start ./dev run first"
subject=$(curl -fs "$WEIGHHOUSE_URL/api/weighhouse/v1/models/$MODEL/revision/main/release" |
    sed -n 's/.*"subject": *"\([0-9a-f]*\)".*/\1/p')
[[ -n $subject ]] || die "the server at $WEIGHHOUSE_URL does not have $MODEL"
statement=$WORK/approvers/host.txt
"$WEIGHHOUSE_BIN" decision statement host "$subject" \
    --reason "DEMO: it is small, and asked here only" >"$statement"
say "they sign this:"
sed 's/^/    /' "$statement"
sign_as ada "$statement"
sign_as cid "$statement"
wait_until_hosted
say "decided: $MODEL is hosted, see $WEIGHHOUSE_URL/$MODEL/decision"
examine
