# shellcheck shell=bash
# Three DEMO approvers of two houses, for ./dev run: no real people, which every
# page says. Their keys lie in the folder of the demonstration, so whoever has
# that folder can play them all. Needs lib.sh and WEIGHHOUSE_URL.

DEMO_PEOPLE=(ada:north bea:north cid:south)

demo_key() { printf '%s/approvers/%s' "$WORK" "$1"; }

make_demo_keys() {
    local one name
    mkdir -p "$WORK/approvers"
    for one in "${DEMO_PEOPLE[@]}"; do
        name=${one%:*}
        [[ -f $(demo_key "$name") ]] ||
            ssh-keygen -q -t ed25519 -N "" -C "DEMO $name" -f "$(demo_key "$name")"
    done
}

# Canonical JSON, as docs/formats/approvals.md wants it.
write_demo_roster() {
    local one name key comma=
    printf '{"approvers":['
    for one in "${DEMO_PEOPLE[@]}"; do
        name=${one%:*}
        key=$(cut -d' ' -f1,2 "$(demo_key "$name").pub")
        printf '%s{"affiliation":"%s","demo":true,"id":"%s","keys":["%s"],"outside":false}' \
            "$comma" "${one#*:}" "$name" "$key"
        comma=,
    done
    printf '],"cooling_off":60,"previous":null,"quorum":2,"quorums":{},"type":"roster","v":1,"version":1}'
}

# sign_as NAME STATEMENT [OPTION...]: ssh-keygen signs, the house judges.
sign_as() {
    local name=$1 statement=$2
    shift 2
    "$WEIGHHOUSE_BIN" decision sign "$statement" --key "$(demo_key "$name")" \
        "$@" >>"$WORK/approvers/log.txt" 2>&1 ||
        die "$name could not sign, see $WORK/approvers/log.txt"
    say "$name has signed (DEMO)"
}

# The roster that founds them, signed by each. Once in the life of a house.
found_demo_approvers() {
    local one dir=$WORK/approvers
    [[ -z $("$WEIGHHOUSE_BIN" approver list | grep -v '^self-run' || true) ]] ||
        return 0
    make_demo_keys
    write_demo_roster >"$dir/roster.json"
    "$WEIGHHOUSE_BIN" decision statement roster - --roster "$dir/roster.json" \
        --reason "a demonstration begins" >"$dir/roster.txt"
    for one in "${DEMO_PEOPLE[@]}"; do
        sign_as "${one%:*}" "$dir/roster.txt" --roster "$dir/roster.json"
    done
    say "three DEMO approvers of two houses decide here; their keys are in $dir"
}
