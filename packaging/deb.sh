#!/usr/bin/env bash
# deb.sh PROGRAM FOLDER: a Debian package of that program, in that folder; prints
# its name. Nothing is built here, and root is not needed.
set -euo pipefail
umask 022
mkdir -p "$2"
program=$(readlink -f "$1") folder=$(readlink -f "$2")
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
version=$("$program" --version | cut -d' ' -f2)
arch=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

install -D -m 0755 "$program" "$tree/usr/bin/weighhouse"
strip --strip-unneeded "$tree/usr/bin/weighhouse"
install -D -m 0644 weighhouse.service "$tree/lib/systemd/system/weighhouse.service"
install -D -m 0644 weighhouse.sysusers "$tree/usr/lib/sysusers.d/weighhouse.conf"
install -D -m 0644 weighhouse.tmpfiles "$tree/usr/lib/tmpfiles.d/weighhouse.conf"
install -D -m 0644 weighhouse.conf "$tree/etc/weighhouse/weighhouse.conf"
install -d "$tree/usr/share/man/man1" "$tree/usr/share/doc/weighhouse"
gzip -9n <weighhouse.1 >"$tree/usr/share/man/man1/weighhouse.1.gz"
install -m 0644 ../docs/operator.md ../docs/users.md "$tree/usr/share/doc/weighhouse/"
install -m 0644 ../LICENSE "$tree/usr/share/doc/weighhouse/copyright"

install -d "$tree/DEBIAN" "$work/debian"
for script in postinst prerm postrm; do
    install -m 0755 "$script" "$tree/DEBIAN/$script"
done
echo /etc/weighhouse/weighhouse.conf >"$tree/DEBIAN/conffiles"
(cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z |
    xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

# which packages its libraries come from
printf 'Source: weighhouse\n\nPackage: weighhouse\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O tree/usr/bin/weighhouse 2>/dev/null |
    sed -n 's/^shlibs:Depends=//p')
cat >"$tree/DEBIAN/control" <<END
Package: weighhouse
Version: $version
Architecture: $arch
Maintainer: The Weighhouse developers <weighhouse@localhost>
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Depends: $depends
Recommends: bubblewrap
Section: net
Priority: optional
Description: hub for AI models that weighs before it opens
 A server that speaks the protocols of the Hugging Face hub, looks into every
 model before it can be downloaded, draws the line by a written and public rule,
 keeps what is above it sealed, and records every decision in a public log that
 anybody can verify.
END
deb=$folder/weighhouse_${version}_$arch.deb
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(stat -c %Y "$program")} \
    dpkg-deb --root-owner-group --build "$tree" "$deb" >/dev/null
echo "$deb"
