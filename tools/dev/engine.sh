#!/usr/bin/env bash
# tools/dev/engine.sh: prints the path of a llama-server that runs here.
#
# One in PATH is taken. Else it is built, once for this kind of processor, from
# the llama.cpp that travels in a source package of PyPI (engine.txt: version and
# digest): for the processor alone, without network code or pages, linked
# statically so that one file is all it needs. That takes some minutes; a build
# that was broken off goes on where it was. The cache is outside the repository:
# WH_ENGINE_CACHE, else /var/cache/weighhouse for root (other users run engines
# for root's house, and can not look into root's home), else
# ${XDG_CACHE_HOME:-~/.cache}/weighhouse.
#
#   engine.sh            find or build, print the path
#   engine.sh --where    print the path it will have; 1 if it is not there yet
#
# While it builds, the file "progress" beside the program has one line for the
# server to show: "43 % Building CXX object ...".
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
source tools/dev/lib.sh
source tools/dev/install.sh

ENGINE_PIN=tools/dev/engine.txt
ENGINE_PACKAGES=(cmake g++ gcc git ninja-build python3 python3-venv)

version() { sed -n 's/^llama-cpp-python==\([0-9.]*\) .*/\1/p' "$ENGINE_PIN"; }

# The program uses what this processor has, so each kind has a program.
processor() {
    { uname -m && grep -m1 -E '^(flags|Features)' /proc/cpuinfo; } |
        sha256sum | cut -c1-8
}

cache() {
    local base=${XDG_CACHE_HOME:-$HOME/.cache}/weighhouse
    ((EUID != 0)) || base=/var/cache/weighhouse
    printf '%s/llama-%s-%s' "${WH_ENGINE_CACHE:-$base}" "$(version)" \
        "$(processor)"
}

progress() {
    printf '%s\n' "$*" >"$CACHE/progress.new"
    mv "$CACHE/progress.new" "$CACHE/progress"
}

# Ninja's "[43/206] Building ..." as a line for people.
show_progress() {
    local line last=-1
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$CACHE/build.log"
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*)$ ]]; then
            local percent=$((BASH_REMATCH[1] * 100 / BASH_REMATCH[2]))
            ((percent != last)) || continue
            last=$percent
            progress "$percent % ${BASH_REMATCH[3]:0:70}"
        fi
    done
}

# Only the file of that digest is unpacked. (pip asks the package's build system
# about it first, in a throw-away environment; with ":all:" it would build that
# from source too, for minutes.)
fetch() {
    [[ ! -f $CACHE/source/.whole ]] || return 0
    progress "0 % fetching the sources (PyPI llama-cpp-python, 77 MB)"
    need_python >&2
    rm -rf "$CACHE/source" "$CACHE/sdist"
    mkdir -p "$CACHE/source" "$CACHE/sdist"
    pip download -q --no-deps --no-binary llama-cpp-python --require-hashes \
        -d "$CACHE/sdist" -r "$ENGINE_PIN" >&2
    tar -xzf "$CACHE"/sdist/*.tar.gz -C "$CACHE/source" --strip-components=3 \
        --wildcards '*/vendor/llama.cpp/*'
    [[ -f $CACHE/source/CMakeLists.txt ]] ||
        die "the package does not hold llama.cpp where it used to"
    rm -rf "$CACHE/sdist"
    touch "$CACHE/source/.whole"
}

compile_engine() {
    progress "0 % configuring"
    cmake -S "$CACHE/source" -B "$CACHE/build" -G Ninja \
        -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_STATIC=ON \
        -DCMAKE_EXE_LINKER_FLAGS=-static-pie -DGGML_NATIVE=ON \
        -DGGML_OPENMP=OFF -DGGML_CCACHE=OFF -DLLAMA_OPENSSL=OFF \
        -DLLAMA_SUBPROCESS=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
        -DLLAMA_BUILD_APP=OFF >>"$CACHE/build.log" 2>&1
    nice -n 19 ninja -C "$CACHE/build" -j2 llama-server 2>&1 | show_progress
    strip -o "$CACHE/llama-server.new" "$CACHE/build/bin/llama-server"
    "$CACHE/llama-server.new" --version >>"$CACHE/build.log" 2>&1
    mv "$CACHE/llama-server.new" "$CACHE/llama-server"
    rm -rf "$CACHE/build" "$CACHE/source" "$CACHE/progress"
}

# One build at a time; who comes second waits and finds it done.
build_engine() {
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    flock 9
    [[ ! -x $CACHE/llama-server ]] || return 0
    local began=$SECONDS
    say "building llama-server in $CACHE (once, some minutes)" >&2
    trap 'progress "the build failed, see build.log beside this file"' EXIT
    need_packages "${ENGINE_PACKAGES[@]}" >&2
    fetch
    compile_engine
    trap - EXIT
    say "llama-server is there ($((SECONDS - began)) s)" >&2
}

CACHE=$(cache)
if found=$(command -v llama-server); then
    readlink -f "$found"
elif [[ ${1:-} == --where ]]; then
    printf '%s/llama-server\n' "$CACHE"
    [[ -x $CACHE/llama-server ]]
else
    build_engine
    printf '%s/llama-server\n' "$CACHE"
fi
