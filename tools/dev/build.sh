# shellcheck shell=bash
# The build folders: build (gcc, as shipped), build-asan (clang, sanitizers),
# build-crash (which has the unit tests as gcc compiles them) and build-unsealed
# (for tests that need them), build-fuzz, build-cover.

# configure FOLDER COMPILER OPTION...: set up once, again when options change.
configure() {
    local folder=$1 compiler=$2
    shift 2
    local want="$compiler $*"
    if [[ -f $folder/build.ninja && -f $folder/.dev-options &&
        $(<"$folder/.dev-options") == "$want" ]]; then
        return 0
    fi
    rm -rf "$folder"
    CC=$compiler meson setup "$folder" . "$@" >"$folder.setup.log" 2>&1 || {
        tail -20 "$folder.setup.log"
        rm -f "$folder.setup.log"
        return 1
    }
    rm -f "$folder.setup.log"
    printf '%s\n' "$want" >"$folder/.dev-options"
}

# The program at the place the documents name.
link_binary() {
    if [[ -f $1/src/cmd/weighhouse && ! -e $1/weighhouse ]]; then
        ln -s src/cmd/weighhouse "$1/weighhouse"
    fi
}

binary() { printf '%s/%s/weighhouse' "$PWD" "$1"; }

compile() {
    local folder=$1
    shift
    ninja -C "$folder" -k 10 "$@" && link_binary "$folder"
}

# Optimised across its files: for one program that is cheap, for each unit test,
# too, it would take minutes.
configure_gcc() { configure build gcc -Db_lto=true; }

# build_gcc [TARGET...]: the program as it ships, and what else is named.
build_gcc() { configure_gcc && compile build src/cmd/weighhouse "$@"; }

configure_asan() {
    configure build-asan clang-14 -Db_sanitize=address,undefined \
        -Db_lundef=false
}

build_asan() { configure_asan && compile build-asan; }

build_crash() { configure build-crash gcc -Dcrash_points=true && compile build-crash; }

build_unsealed() {
    configure build-unsealed gcc -Dunsealed=true &&
        compile build-unsealed src/cmd/weighhouse
}

# The classifier of the watch is trained here, never committed. Without the rows
# there is none, and the watch says so.
train_watch() {
    local data=${WH_SHARED:-../shared}/data model=$1/watch.model
    if [[ ! -f $data/hijack/train.jsonl.gz ]]; then
        say "classifier: absent (no rows in $data/hijack)"
    elif [[ $model -ot $1/src/cmd/weighhouse ]]; then
        "$(binary "$1")" watch train "$data"/{hijack,harm}/train.jsonl.gz \
            -o "$model" 2>>"$LOGS/watch-train.log" || return 1
    fi
}

fuzz_targets() {
    ninja -C build-fuzz -t targets all |
        sed -n 's,^src/[a-z]*/fuzz_\([a-z0-9_]*\):.*,\1,p' | sort -u
}

build_fuzz() {
    configure build-fuzz clang-14 -Dfuzz=true -Db_lundef=false \
        -Db_sanitize=address,undefined
    if (($# != 2)); then
        say "usage: ./dev fuzz NAME SECONDS, where NAME is one of"
        fuzz_targets | sed 's/^/    /'
        return 2
    fi
    local name=$1 seconds=$2 target
    target=$(ninja -C build-fuzz -t targets all |
        sed -n "s,^\(src/[a-z]*/fuzz_$name\):.*,\1,p" | head -1)
    [[ -n $target ]] || die "there is no fuzz target called $name"
    compile build-fuzz "$target"
    mkdir -p ".dev/fuzz/$name" ".dev/fuzz/$name-found" "tests/fuzz/$name"
    say "new inputs go to .dev/fuzz/$name, failures to .dev/fuzz/$name-found"
    "build-fuzz/$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
        -artifact_prefix=".dev/fuzz/$name-found/" ".dev/fuzz/$name" \
        "tests/fuzz/$name"
}

build_cover() {
    configure build-cover gcc -Db_coverage=true -Dbuildtype=debug
    compile build-cover
    meson test -C build-cover --no-rebuild --suite unit --suite fuzz
    mkdir -p .dev/cover
    gcovr --root . --object-directory build-cover --filter src/ \
        --exclude '.*_(test|fuzz)\.c' --html-details .dev/cover/index.html \
        --txt --print-summary
    say "line by line: .dev/cover/index.html"
}
