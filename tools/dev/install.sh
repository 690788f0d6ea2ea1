# shellcheck shell=bash
# What ./dev installs: Debian packages (named before they are installed, only
# what is missing), and below .dev/ a Python environment, Node pieces and the
# sources of llhttp. Each is installed once; a stamp holds what it was made from.

PACKAGES_BUILD=(
    ca-certificates gcc git libc6-dev libcmocka-dev libcurl4-openssl-dev
    libgit2-dev libjansson-dev liblz4-dev libmd4c-dev libseccomp-dev libsqlite3-dev libssl-dev
    libunistring-dev libvectorscan-dev libxxhash-dev libyaml-dev libzstd-dev meson ninja-build
    pkg-config python3 python3-venv zlib1g-dev
)
PACKAGES_LINT=(
    clang-14 clang-format-14 clang-tidy-14 cppcheck libclang-rt-14-dev llvm-14
    pmccabe
)
PACKAGES_TEST=(
    bubblewrap chromium curl dpkg-dev faketime git-lfs jq nginx-light
    openssh-client openssl procps
)
INSTALLED=.dev/installed-packages

# The packages of the list that are not installed, one a line.
missing_packages() {
    local have
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" \
        2>/dev/null | sed -n 's/^installed //p') || true
    printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$have") || true
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

need_packages() {
    command -v dpkg-query >/dev/null ||
        die "this is no Debian: install by hand what these packages hold: $*"
    local missing began=$SECONDS
    missing=$(missing_packages "$@")
    [[ -n $missing ]] || return 0
    say "these Debian packages are missing and will be installed:"
    printf '%s\n' "$missing" | fmt -w 72 | sed 's/^/    /'
    [[ ${WH_DEV_INSTALL:-yes} != no ]] ||
        die "WH_DEV_INSTALL=no: install them yourself, then come again"
    ((EUID == 0)) || command -v sudo >/dev/null ||
        die "that needs root: run ./dev as root, or install sudo, or apt-get install them yourself"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
    mkdir -p "$LOGS"
    as_root "${apt[@]}" update >"$LOGS/apt.log" 2>&1 ||
        die "apt-get update failed, see $LOGS/apt.log"
    # shellcheck disable=SC2086
    as_root "${apt[@]}" install -y --no-install-recommends $missing 2>&1 |
        tee -a "$LOGS/apt.log" | grep --line-buffered -E '^(Need to|Setting up|E:)' ||
        true
    [[ -z $(missing_packages "$@") ]] ||
        die "apt-get could not install all of them, see $LOGS/apt.log"
    printf '%s\n' "$missing" >>"$INSTALLED"
    say "the Debian packages are installed ($((SECONDS - began)) s)"
}

# fresh NAME FILE...: true when the stamp NAME was made from the same files.
fresh() {
    local name=$1
    shift
    [[ -f .dev/stamps/$name && $(<".dev/stamps/$name") == "$(digest "$@")" ]]
}

stamp() {
    local name=$1
    shift
    mkdir -p .dev/stamps
    digest "$@" >".dev/stamps/$name"
}

digest() { cat "$@" | sha256sum; }

need_python() {
    [[ -x .dev/venv/bin/python ]] && return 0
    say "making a Python environment in .dev/venv"
    /usr/bin/python3 -m venv .dev/venv
}

pip() { .dev/venv/bin/python -m pip --disable-pip-version-check "$@"; }

# llhttp's generated C sources travel in the source package of httptools.
need_llhttp() {
    local pin=tools/dev/llhttp.txt
    fresh llhttp "$pin" && [[ -f .dev/llhttp/src/llhttp.c ]] && return 0
    need_python
    local began=$SECONDS
    say "fetching the sources of llhttp (in the PyPI package httptools) into .dev/llhttp"
    rm -rf .dev/llhttp .dev/tmp
    mkdir -p .dev/llhttp .dev/tmp
    pip download -q --no-deps --no-binary httptools --require-hashes \
        -d .dev/tmp -r "$pin"
    tar -xzf .dev/tmp/httptools-*.tar.gz -C .dev/llhttp --strip-components=3 \
        --wildcards '*/vendor/llhttp/*'
    rm -rf .dev/tmp
    [[ -f .dev/llhttp/src/llhttp.c && -f .dev/llhttp/include/llhttp.h ]] ||
        die "the package httptools does not hold llhttp where it used to"
    stamp llhttp "$pin"
    say "llhttp is here ($((SECONDS - began)) s)"
}

need_venv() {
    fresh venv tests/requirements.txt && return 0
    need_python
    local began=$SECONDS
    say "installing the Python packages of tests/requirements.txt into .dev/venv"
    pip install -q -r tests/requirements.txt
    stamp venv tests/requirements.txt
    say "the Python packages are here ($((SECONDS - began)) s)"
}

# Node itself comes from the Python environment: Debian's is too old.
need_node() {
    fresh node tests/package.json tests/package-lock.json && return 0
    say "installing the Node packages of tests/package.json into .dev/node"
    mkdir -p .dev/node
    cp tests/package.json tests/package-lock.json .dev/node/
    PATH=$PWD/.dev/venv/bin:$PATH npm ci --prefix .dev/node --silent \
        --no-audit --no-fund
    stamp node tests/package.json tests/package-lock.json
}

# Whatever Go the machine has; where there is none, Debian's.
need_go() {
    [[ -n $(find tests tools -name go.mod) ]] || return 0
    command -v go >/dev/null || need_packages golang-go
}

need_build() {
    need_packages "${PACKAGES_BUILD[@]}"
    need_llhttp
}

need_lint() { need_packages "${PACKAGES_LINT[@]}"; }

# For the server with sample models: the ordinary client that pushes them.
need_demo() {
    need_packages bubblewrap curl openssh-client openssl
    need_venv
}

need_tests() {
    need_packages "${PACKAGES_TEST[@]}"
    need_venv
    need_node
    need_go
}

clean_packages() {
    [[ -s $INSTALLED ]] || return 0
    local packages
    packages=$(sort -u "$INSTALLED" | tr '\n' ' ')
    if [[ $1 == --packages ]]; then
        # shellcheck disable=SC2086
        as_root apt-get purge -y --autoremove $packages
    else
        say "the Debian packages that ./dev installed stay; this removes them:"
        fmt -w 72 <<<"apt-get purge --autoremove $packages" | sed 's/^/    /'
    fi
}
