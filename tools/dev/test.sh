# shellcheck shell=bash
# ./dev test: every check and test there is, counted into one line.

# What tests and scripts find in their environment.
tests_env() {
    export WEIGHHOUSE_BIN WEIGHHOUSE_BIN_CRASH WEIGHHOUSE_BIN_UNSEALED
    WEIGHHOUSE_BIN=${WEIGHHOUSE_BIN:-$(binary build)}
    WEIGHHOUSE_BIN_CRASH=$(binary build-crash)
    WEIGHHOUSE_BIN_UNSEALED=$(binary build-unsealed)
    export PATH=$PWD/.dev/venv/bin:$PWD/.dev/bin:$PATH
    export NODE_PATH=$PWD/.dev/node/node_modules
    export GOPATH=$PWD/.dev/go GOCACHE=$PWD/.dev/go-cache
    export GOFLAGS=-modcacherw GOTOOLCHAIN=local
}

# meson_tests FOLDER PATTERN: unit tests and fuzz corpora, counted by case.
meson_tests() {
    local folder=$1 pattern=$2 names=()
    if [[ -n $pattern ]]; then
        mapfile -t names < <(meson test -C "$folder" --no-rebuild --list \
            2>/dev/null | grep -F -- "$pattern" | sed 's,^[^/]* / ,,')
        ((${#names[@]})) || return 0
    fi
    heading "unit tests and fuzz corpora ($folder)"
    rm -f "$folder/meson-logs/testlog.junit.xml"
    meson test -C "$folder" --no-rebuild --print-errorlogs \
        --num-processes "$(nproc)" "${names[@]}" || true
    python3 tools/dev/results.py junit "$RESULTS" \
        "$folder/meson-logs/testlog.junit.xml" unit
}

# pytest_tests PATTERN FOLDER...: those folders that exist.
pytest_tests() {
    local pattern=$1 folder code=0 folders=()
    shift
    for folder in "$@"; do
        [[ -d $folder ]] && folders+=("$folder")
    done
    ((${#folders[@]})) || return 0
    heading "pytest ${folders[*]}"
    local report=.dev/pytest-${folders[0]//\//-}.xml
    rm -f "$report"
    .dev/venv/bin/python -m pytest -p no:cacheprovider --color=auto -ra --tb=short --timeout 900 \
        --junit-xml="$report" ${pattern:+-k "$pattern"} "${folders[@]}" || code=$?
    ((code == 5)) && return 0 # no test of that name here
    python3 tools/dev/results.py junit "$RESULTS" "$report" functional
}

# The verifiers in Go: built to .dev/bin for the functional tests.
go_build() {
    local module
    mkdir -p .dev/bin
    for module in $(go_modules); do
        step "build $module" env -C "$module" go build -o "$PWD/.dev/bin/" ./... ||
            return 1
    done
}

go_modules() { find tests tools -name go.mod -printf '%h\n' | sort; }

go_tests() {
    local module log
    for module in $(go_modules); do
        heading "go vet and test: $module"
        log=$PWD/$LOGS/go-test.json
        if ! env -C "$module" go vet ./...; then
            record failed "go vet $module"
        fi
        env -C "$module" go test -json ./... >"$log" ||
            record failed "go test $module"
        python3 tools/dev/results.py gotest "$RESULTS" "$log" go
    done
}

# What functional tests need beside the program.
HELPERS=(src/register/register_driver tests/leak/leak_probe
    tests/engine/engine_{house,stranger,stranger_dynamic})

# Builds that only tests use.
variants() {
    step "build with crash points, and all unit tests with gcc" build_crash
    step "build unsealed" build_unsealed
}

cmd_test() {
    local pattern=${1:-} built=1
    need_build
    need_lint
    need_tests
    need_models
    results_begin
    tests_env
    [[ -n $pattern ]] || lint_all
    step "build gcc" build_gcc "${HELPERS[@]}" || built=0
    if step "build ASan and UBSan" build_asan; then
        meson_tests build-asan "$pattern"
    fi
    pytest_tests "$pattern" tests/tools
    if ((built)); then
        variants || true
        go_build || true
        step "llama-server, which runs hosted models" \
            bash tools/dev/engine.sh || true
        # apart: each has a conftest.py, of which Python imports one by that name
        pytest_tests "$pattern" tests/functional
        pytest_tests "$pattern" tests/browser
        [[ -n $pattern ]] || go_tests
    else
        record failed "functional tests: no build to run them on"
    fi
    results_end
}
