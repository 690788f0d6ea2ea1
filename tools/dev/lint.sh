# shellcheck shell=bash
# The checks of the house. The quick ones read sources; headers and tidy need
# the compile commands and the generated sources of a build.

c_sources() {
    git ls-files -z --cached --others --exclude-standard -- \
        'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h' |
        while IFS= read -r -d '' file; do
            [[ -f $file ]] && printf '%s\0' "$file"
        done
}

lint_format() {
    c_sources | xargs -0 clang-format-14 --dry-run -Werror
}

# What the build generates (queries, templates), so that sources can be read.
generate() {
    local folder=$1 made
    made=$(meson introspect --targets "$folder" | python3 -c '
import json, sys
for target in json.load(sys.stdin):
    if target["type"] == "custom":
        print(*target["filename"], sep="\n")')
    [[ -n $made ]] || return 0
    # shellcheck disable=SC2001
    sed "s,^$PWD/$folder/,," <<<"$made" | xargs -d '\n' ninja -C "$folder"
}

lint_headers() {
    configure_gcc && generate build &&
        python3 tools/check_headers.py --build build
}

lint_tidy() {
    configure_asan && generate build-asan &&
        python3 tools/tidy.py build-asan
}

lint_cppcheck() {
    cppcheck --quiet --std=c11 --enable=warning,performance,portability \
        --inline-suppr --suppressions-list=tools/cppcheck.txt \
        --error-exitcode=1 -D_GNU_SOURCE -I src -j "$(nproc)" src
}

# lint_all [NAME]: all checks, or one.
lint_all() {
    local check only=${1:-} ok=0
    for check in format layers banned size docs exceptions headers tidy cppcheck; do
        [[ -z $only || $only == "$check" ]] || continue
        if declare -F "lint_$check" >/dev/null; then
            step "lint $check" "lint_$check" || ok=1
        else
            step "lint $check" python3 "tools/check_$check.py" || ok=1
        fi
    done
    return 0
}
