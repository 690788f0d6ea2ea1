"""The Debian package: made, unpacked, installed into a root of its own, removed, purged."""

import os
import pathlib
import re
import shutil
import subprocess

import conftest
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "packaging" / "weighhouse.service"
USERS = ["weighhouse", "weighhouse-keeper", "weighhouse-signer", "weighhouse-scanner",
         "weighhouse-engine"]


def run(*args, **kw):
    r = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=300,
                       check=False, **kw)
    assert r.returncode == 0, r.stdout + r.stderr
    return r.stdout


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    for tool in ("dpkg-deb", "dpkg-shlibdeps"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not here: no Debian, no package")
    out = run(ROOT / "packaging" / "deb.sh", conftest.BINARY, tmp_path_factory.mktemp("deb"))
    return pathlib.Path(out.strip())


def test_what_is_in_it(deb, tmp_path):
    assert run("dpkg-deb", "-f", deb, "Package").strip() == "weighhouse"
    depends = run("dpkg-deb", "-f", deb, "Depends")
    for library in ("libc6", "libsqlite3-0", "libssl3", "libgit2"):
        assert library in depends, depends
    for line in run("dpkg-deb", "-c", deb).splitlines():
        mode, owner, *_, name = line.split()
        assert owner == "root/root" and mode[8] != "w", line
        assert mode[3] != "s" and mode[6] != "s", line
        assert name == "./" or name.split("/")[1] in ("usr", "etc", "lib"), line
    run("dpkg-deb", "-x", deb, tmp_path)
    version = run("dpkg-deb", "-f", deb, "Version").strip()
    assert run(tmp_path / "usr/bin/weighhouse", "--version") == f"weighhouse {version}\n"
    assert run("dpkg-deb", "-I", deb, "conffiles").split() == ["/etc/weighhouse/weighhouse.conf"]
    sums = run("dpkg-deb", "-I", deb, "md5sums")
    run("md5sum", "-c", "--quiet", "-", input=sums, cwd=tmp_path)


def test_the_program_is_hardened(deb, tmp_path):
    """What the compiler was asked for is still there after the optimiser of the whole."""
    if not shutil.which("readelf"):
        pytest.skip("readelf is not here")
    run("dpkg-deb", "-x", deb, tmp_path)
    program = tmp_path / "usr/bin/weighhouse"
    assert re.search(r"Type:\s+DYN", run("readelf", "-hW", program))
    segments = run("readelf", "-lW", program)
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK( +0x\w+){5} RW ", segments), segments
    assert not re.search(r"LOAD .* RWE ", segments), segments
    assert re.search(r"FLAGS_1.*NOW.*PIE", run("readelf", "-dW", program))
    names = run("readelf", "--dyn-syms", "-W", program)
    assert " __stack_chk_fail@" in names and " __vsnprintf_chk@" in names, names


def test_its_settings_are_settings(deb, tmp_path):
    """Every setting in the example is one, also those that are commented out."""
    run("dpkg-deb", "-x", deb, tmp_path)
    text = (tmp_path / "etc/weighhouse/weighhouse.conf").read_text()
    conf = tmp_path / "all.conf"
    conf.write_text("\n".join(line[1:] if line.startswith("#") and "=" in line else line
                              for line in text.splitlines()))
    (tmp_path / "data").mkdir()
    r = subprocess.run([conftest.BINARY, "doctor", "--config", conf, "--data", tmp_path / "data"],
                       capture_output=True, text=True, timeout=60, check=False)
    assert r.returncode in (0, 1) and "wants" not in r.stderr, r.stderr


def test_the_manual_reads(deb, tmp_path):
    run("dpkg-deb", "-x", deb, tmp_path)
    page = tmp_path / "usr/share/man/man1/weighhouse.1.gz"
    if not shutil.which("groff"):
        pytest.skip("groff is not here")
    text = run("gzip", "-dc", page)
    r = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True,
                       text=True, timeout=60, check=False)
    assert r.returncode == 0 and r.stderr == "", r.stderr


def test_the_unit():
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    r = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=45",
                        str(UNIT)], capture_output=True, text=True, timeout=60, check=False)
    if "unrecognized option" in r.stderr:
        pytest.skip("this systemd-analyze is too old")
    assert r.returncode == 0, r.stdout[-400:] + r.stderr
    print(r.stdout.strip().splitlines()[-1])


def users_of(root):
    path = root / "etc/passwd"
    return [line.split(":")[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_install_remove_purge(deb, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("dpkg installs as root only")
    root = tmp_path / "root"
    for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "etc"):
        (root / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    dpkg = ["dpkg", f"--root={root}", "--force-script-chrootless", "--force-depends",
            "--log=/dev/null"]
    out = run(*dpkg, "-i", deb)
    assert "systemctl enable" in out
    if shutil.which("systemd-sysusers"):
        assert set(USERS) <= set(users_of(root)), users_of(root)
    for name in ("var/lib/weighhouse", "etc/weighhouse/keys"):
        assert oct((root / name).stat().st_mode & 0o7777) == "0o700"
    assert (root / "lib/systemd/system/weighhouse.service").read_text() == UNIT.read_text()
    # the example as it is starts a house
    conf = root / "etc/weighhouse/weighhouse.conf"
    own = tmp_path / "own.conf"
    own.write_text(conf.read_text().replace("dir = /etc/weighhouse/keys", f"dir = {tmp_path}/keys"))
    rows = subprocess.run([root / "usr/bin/weighhouse", "doctor", "--config", own, "--data",
                           root / "var/lib/weighhouse"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert rows.returncode in (0, 1) and "tokens do not cross" in rows.stdout
    # an upgrade keeps what the operator changed; removal and purge keep the data
    with conf.open("a", encoding="utf-8") as f:
        f.write("# mine\n")
    (root / "var/lib/weighhouse/house.db").write_text("x")
    (root / "etc/weighhouse/keys/custody.key").write_text("x")
    run(*dpkg, "-i", deb)
    assert conf.read_text().endswith("# mine\n")
    run(*dpkg, "-r", "weighhouse")
    assert not (root / "usr/bin/weighhouse").exists() and conf.exists()
    assert "kept" in run(*dpkg, "--purge", "weighhouse")
    assert not conf.exists()
    assert (root / "var/lib/weighhouse/house.db").exists()
    assert (root / "etc/weighhouse/keys/custody.key").exists()
