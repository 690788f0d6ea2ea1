#!/usr/bin/env bash
# ./dev demo approve: plays two of the DEMO approvers of ./dev run, one of each
# house, who decide that the held sample may be hosted: asked here, downloaded
# by nobody. The statement and both signatures are kept beside their keys.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
source tools/dev/lib.sh
source tools/dev/approvers.sh

WORK=${WH_DEMO:-.dev/demo}
MODEL=demo/smollm2-135m-instruct
WEIGHHOUSE_BIN=${WEIGHHOUSE_BIN:-$(command -v weighhouse || true)}
export WEIGHHOUSE_URL=${WEIGHHOUSE_URL:-http://127.0.0.1:8080}

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
say "decided: $MODEL is hosted, see $WEIGHHOUSE_URL/$MODEL/decision"
