"""Who each process is: as root, five users that can not reach each other's files; as
anybody else, one user, and a log that says so."""

import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

from conftest import BINARY, House, new_base
from hands import commit, decided, lfs_op, lfs_upload, publish, stop_a_scanner, unexplained
import weights

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="needs root")
IDS = {"front": 60960, "keeper": 60961, "signer": 60962, "zygote": 60963, "engines": 60964}
SOMEBODY = 64321


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def states(house):
    """What each process logged of itself last: {"keeper": {"uid": "60961", ...}}."""
    found = {}
    for who, text in re.findall(r" info (\w+) process\.state (.*)", house.log()):
        found[who] = dict(pair.split("=", 1) for pair in text.split())
    return found


def can(uid, path, how="rb"):
    """Whether a process of this user alone can open a file or list a folder."""
    code = ("import os,sys\n"
            "try:\n"
            "    p = sys.argv[1]\n"
            "    os.listdir(p) if os.path.isdir(p) else open(p, sys.argv[2]).close()\n"
            "except PermissionError:\n"
            "    sys.exit(13)\n")
    done = subprocess.run(
        ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all",
         "/usr/bin/python3", "-c", code, str(path), how], capture_output=True, text=True)
    assert done.returncode in (0, 13), done.stderr
    return done.returncode == 0


@pytest.fixture
def reachable(fresh_house):
    """Houses whose folder can be walked to by anybody, so that what is refused is
    refused by the house's own folders."""
    def make(*args, **kw):
        h = fresh_house(*args, **kw)
        h.base.chmod(0o755)
        return h
    return make


def push_both(house):
    """One that opens and one that is held go all the way."""
    house.api().create_repo("admin/opens")
    publish(house, "admin/opens", {"a.safetensors": weights.safetensors({"w": (64, 64)})})
    house.api().create_repo("admin/held")
    publish(house, "admin/held", {"b.safetensors": unexplained()})
    assert decided(house, "admin/opens")["weights"] == "open"
    assert decided(house, "admin/held")["weights"] == "held"
    assert house.get("/admin/opens/resolve/main/a.safetensors", token="admin").status_code in (200, 302)


# ---- as root ----

@as_root
def test_five_users_without_rights(fresh_house):
    house = fresh_house().start()
    pids = {name: p[0] for name, p in house.children().items()}
    assert set(pids) == set(IDS)
    for name, pid in pids.items():
        s = status(pid)
        assert s["Uid"].split() == [str(IDS[name])] * 4
        assert s["Gid"].split() == [str(IDS[name])] * 4
        assert s["Groups"].split() == []
        for caps in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(s[caps], 16) == 0, (name, caps)
        assert s["NoNewPrivs"] == "1"
    told = states(house)
    assert {n: int(t["uid"]) for n, t in told.items()} == IDS
    assert all(t["caps"] == "0" and "uid" not in t["missing"].split(",") for t in told.values())
    assert "weaker" not in house.log()


@as_root
def test_scanners_are_neither_root_nor_front(fresh_house):
    house = fresh_house().start()
    zygote = house.children()["zygote"][0]
    house.api().create_repo("admin/m")
    for i in range(10):  # on a busy machine one may be gone before it is seen
        # so many tensors that looking at them takes a while
        data = weights.safetensors({f"t{i}-{k}": (4, 4) for k in range(30_000)})
        lfs_upload(house, "admin/m", data)
        os.kill(zygote, signal.SIGSTOP)
        publishing = threading.Thread(target=commit, args=(
            house, "admin/m", lfs_op("m.safetensors", data)))
        publishing.start()
        time.sleep(0.3)  # the job waits at the zygote's door
        try:
            scanner = stop_a_scanner(zygote, wait=5)
            break
        except AssertionError:
            publishing.join()
    seen = status(scanner)
    os.kill(scanner, signal.SIGCONT)
    publishing.join()
    assert seen["Uid"].split() == [str(IDS["zygote"])] * 4
    assert seen["Groups"].split() == [] and int(seen["CapEff"], 16) == 0


@as_root
def test_nobody_reaches_what_is_another_s(reachable):
    house = reachable().start()
    push_both(house)
    house.stop()
    data, keys = house.data, house.keys
    container = next(p for p in (data / "sealed").rglob("*") if p.is_file())
    opened = next(p for p in (data / "open").rglob("*") if p.is_file())
    may = {
        data / "house.db": {"front"},
        data / "admin.token": {"front"},
        container: {"front"},
        opened: {"front"},
        data / "register" / "checkpoint": {"front"},
        data / "custody" / "key-id": set(),  # above it nobody but front may walk
        keys / "custody.key": {"keeper"},
        keys / "log.key": {"signer"},
        keys / "log.memory": {"signer"},
        keys / "log.vkey": {"keeper", "signer"},
        data: {"front"},
        keys: {"keeper", "signer"},
    }
    for path, who in may.items():
        assert {n for n, uid in IDS.items() if can(uid, path)} == who, path
    assert not can(SOMEBODY, data) and not can(SOMEBODY, keys)
    assert (data / "admin.token").read_text().strip()  # the operator, root, reads it
    # who may make files beside them can not take theirs away
    for uid, path in ((IDS["front"], data / "custody"), (IDS["front"], data / "run"),
                      (IDS["signer"], keys / "custody.key")):
        moved = subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups",
                                "mv", str(path), str(path) + ".away"], capture_output=True)
        assert moved.returncode != 0 and path.exists()


@as_root
def test_sockets_are_for_those_who_need_them(reachable):
    house = reachable().start()
    code = ("import os,socket,sys\n"
            "os.chdir(sys.argv[1])\n"
            "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
            "os.setgroups([]); os.setresgid(*[int(sys.argv[3])] * 3)\n"
            "os.setresuid(*[int(sys.argv[3])] * 3)\n"
            "try:\n"
            "    s.connect(sys.argv[2] + '.sock')\n"
            "except PermissionError:\n"
            "    sys.exit(13)\n")
    may = {"signer": {"front"}, "keeper": {"front"}, "zygote": {"front", "keeper"},
           "engines": {"front"}}
    for name, who in may.items():
        got = set()
        for peer, uid in {**IDS, "somebody": SOMEBODY}.items():
            done = subprocess.run(["/usr/bin/python3", "-c", code, str(house.data / "run"), name,
                                   str(uid)], capture_output=True, text=True)
            assert done.returncode in (0, 13), done.stderr
            got |= {peer} if done.returncode == 0 else set()
        assert got == who, name


@as_root
def test_root_itself_is_a_stranger_to_the_services(fresh_house):
    """What the file's mode lets through, the peer's user id still stops."""
    import socket
    house = fresh_house().start()
    for name in ("signer", "keeper", "engines"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(10)
            fd = os.open(house.data / "run", os.O_PATH)
            s.connect(f"/proc/self/fd/{fd}/{name}.sock")
            os.close(fd)
            answer = s.recv(65536)
            assert answer[:2] == b"\xff\xff" and b"not a process of this house" in answer
    assert house.log().count("service.stranger") == 3


@as_root
def test_killed_children_come_back_as_the_same_users(fresh_house):
    house = fresh_house().start()
    push_both(house)
    for name in ("signer", "zygote", "keeper", "engines", "front"):
        old = house.children()[name][0]
        os.kill(old, signal.SIGKILL)
        end = time.monotonic() + 30
        while house.children().get(name, [old]) == [old]:
            assert time.monotonic() < end
            time.sleep(0.05)
    end = time.monotonic() + 30
    while True:
        try:
            if house.get("/register/checkpoint").status_code < 500:
                break
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.1)
    # a child changes its user a moment after it was forked
    want = {n: [str(i)] * 4 for n, i in IDS.items()}
    while {n: status(p[0])["Uid"].split() for n, p in house.children().items()} != want:
        assert time.monotonic() < end
        time.sleep(0.05)
    house.api().create_repo("admin/after")
    publish(house, "admin/after", {"a.safetensors": weights.safetensors({"w": (32, 32)})})
    assert decided(house, "admin/after")["weights"] == "open"


def tree_owners(folder):
    return {str(p.relative_to(folder)): p.lstat().st_uid for p in folder.rglob("*")}


@as_root
def test_a_folder_made_by_root_is_taken_over(fresh_house):
    house = fresh_house().start()
    push_both(house)
    house.stop()
    # as the versions before left it, and as a backup brought back by root is
    for top in (house.data, house.keys):
        subprocess.run(["chown", "-R", "root:root", str(top)], check=True)
        top.chmod(0o700)
        for p in top.rglob("*"):
            if p.is_dir():
                p.chmod(0o700)
    house.start()
    assert house.get("/admin/opens/resolve/main/a.safetensors", token="admin").status_code in (200, 302)
    house.api().create_repo("admin/more")
    publish(house, "admin/more", {"a.safetensors": weights.safetensors({"w": (16, 16)})})
    assert decided(house, "admin/more")["weights"] == "open"
    owners = tree_owners(house.data)
    for path, uid in owners.items():
        top = path.split("/")[0]
        assert uid == (0 if top == "run" and path == "run" else
                       IDS["keeper"] if top == "custody" or path == "run/zygote.sock" else
                       IDS["engines"] if path == "run/engines" else
                       0 if top == "run" else IDS["front"]), path
    # the second start has nothing to do
    given = house.log().count("serve.owners")
    house.stop()
    house.start()
    assert house.log().count("serve.owners") == given


@as_root
@pytest.mark.parametrize("plant", ["link", "folder-link", "hard-link", "top-link"])
def test_taking_over_follows_no_link(fresh_house, plant):
    house = fresh_house().start()
    house.stop()
    victim = house.base / "victim"
    victim.mkdir()
    (victim / "secret").write_text("root's")
    subprocess.run(["chown", "-R", "root:root", str(house.data)], check=True)
    if plant == "link":
        (house.data / "sealed" / "x").symlink_to(victim / "secret")
    elif plant == "folder-link":
        (house.data / "sealed" / "x").symlink_to(victim)
    elif plant == "hard-link":
        os.link(victim / "secret", house.data / "open" / "x")
    else:
        shutil.rmtree(house.data / "open")
        (house.data / "open").symlink_to(victim)
    done = house.run("serve", "--data", house.data, "--config", house.config,
                     "--listen", "127.0.0.1:0", token=None)
    assert done.returncode == 2 and "follows none of these" in done.stderr, done.stderr
    assert victim.stat().st_uid == 0 and (victim / "secret").stat().st_uid == 0


@as_root
def test_a_folder_of_other_things_is_left_alone(fresh_house):
    house = fresh_house()
    house.data.mkdir()
    house.data.chmod(0o755)
    (house.data / "letters").write_text("private")
    house.config.write_text(f"[keys]\ndir = {house.keys}\n")
    done = house.run("serve", "--data", house.data, "--config", house.config,
                     "--listen", "127.0.0.1:0", token=None)
    assert done.returncode == 2 and "holds other things" in done.stderr
    assert stat.S_IMODE(house.data.stat().st_mode) == 0o755
    assert [p.name for p in house.data.iterdir()] == ["letters"]


@as_root
def test_users_by_number(fresh_house):
    users = {"front": 61001, "keeper": 61002, "signer": 61003, "scanner": 61004,
             "engine": 61005}
    config = "[users]\n" + "".join(f"{k} = {v}\n" for k, v in users.items())
    house = fresh_house(config=config).start()
    told = {n: int(status(p[0])["Uid"].split()[0]) for n, p in house.children().items()}
    assert told == {"front": 61001, "keeper": 61002, "signer": 61003, "zygote": 61004,
                    "engines": 61005}
    house.stop()
    # others than before: said, not tried
    house.extra = ""
    house.config.write_text(f"[keys]\ndir = {house.keys}\n")
    done = house.run("serve", "--data", house.data, "--config", house.config,
                     "--listen", "127.0.0.1:0", token=None)
    assert done.returncode == 2, done.stderr
    assert "belongs to user 61002" in done.stderr or "belongs to user 61001" in done.stderr
    assert "chown -R root" in done.stderr
    for top in (house.data, house.keys):
        subprocess.run(["chown", "-R", "root", str(top)], check=True)
    house.start()


@as_root
@pytest.mark.parametrize("config, says", [
    ("front = no-such-user\n", "there is no user no-such-user for the front"),
    ("first_id = 65533\n", "user id 65534 is that of nobody"),
    ("front = 5\nkeeper = 7001\nsigner = 5\nscanner = 7003\nengine = 7004\n", "in common"),
    ("front = 0\nkeeper = 7001\nsigner = 7002\nscanner = 7003\nengine = 7004\n",
     "must not be root"),
    ("front = root\nkeeper = 7001\nsigner = 7002\nscanner = 7003\nengine = 7004\n",
     "must not be root"),
])
def test_bad_users_are_refused_in_words(fresh_house, config, says):
    house = fresh_house()
    house.config.write_text(f"[keys]\ndir = {house.keys}\n[users]\n{config}")
    done = house.run("serve", "--data", house.data, "--config", house.config,
                     "--listen", "127.0.0.1:0", token=None)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert not house.data.exists()


# ---- as anybody ----

@pytest.fixture
def theirs(tmp_path):
    """An ordinary user's house. The program is copied, since its folder may be closed
    to them."""
    base = pathlib.Path(new_base())
    program = base / "weighhouse"
    shutil.copy(BINARY, program)
    wrapper = base / "as-them"
    drop = f"setpriv --reuid={SOMEBODY} --regid={SOMEBODY} --clear-groups " if ROOT else ""
    wrapper.write_text(f'#!/bin/sh\nexec {drop}{program} "$@"\n')
    wrapper.chmod(0o755)
    if ROOT:
        os.chown(base, SOMEBODY, SOMEBODY)
    h = House(base, binary=wrapper, env={"HOME": str(base)})
    yield h
    h.kill()
    shutil.rmtree(base, ignore_errors=True)


def test_an_ordinary_user_runs_a_house(theirs):
    theirs.start()
    push_both(theirs)
    me = SOMEBODY if ROOT else os.getuid()
    for pids in theirs.children().values():
        assert status(pids[0])["Uid"].split() == [str(me)] * 4
        assert int(status(pids[0])["CapEff"], 16) == 0
    assert "serve.users weaker" in theirs.log()
    assert all("uid" in t["missing"].split(",") for t in states(theirs).values())
    assert len(states(theirs)) == len(IDS)
    assert stat.S_IMODE(theirs.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(theirs.keys.stat().st_mode) == 0o700
    assert theirs.stop() == 0
    assert {p.lstat().st_uid for p in theirs.base.rglob("*")
            if p.is_relative_to(theirs.data) or p.is_relative_to(theirs.keys)} == {me}


@as_root
def test_started_by_another_user_than_before(theirs, fresh_house):
    theirs.start()
    theirs.stop()
    args = ["serve", "--data", theirs.data, "--config", theirs.config, "--listen", "127.0.0.1:0"]
    done = subprocess.run([str(BINARY), *map(str, args)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and f"belongs to user {SOMEBODY}, not to root" in done.stderr
    assert theirs.data.stat().st_uid == SOMEBODY
    # and the other way round
    house = fresh_house().start()
    house.stop()
    house.base.chmod(0o755)
    theirs.data, theirs.keys = house.data, house.keys
    args[2] = house.data
    done = subprocess.run([str(theirs.binary), *map(str, args)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 2 and "belongs to user root (0), not to" in done.stderr, done.stderr


def repo_of(house, name="admin/m"):
    house.api().create_repo(name)
    return name


def engine_folders(house):
    """The folder of this house's engines in /tmp, if it is there."""
    st = (house.data / "run").stat()
    return [p for p in [pathlib.Path(f"/tmp/weighhouse-engines-{st.st_dev:x}-{st.st_ino:x}")]
            if p.exists()]


@as_root
def test_the_folder_of_engines_goes_with_the_house(fresh_house):
    house = fresh_house().start()
    (folder,) = engine_folders(house)
    (folder / "engines" / ("ab" * 8)).mkdir()  # what an engine that was killed leaves
    (folder / "engines" / ("ab" * 8) / "engine.sock").touch()
    # a second start on the same data takes nothing away from the first
    second = subprocess.run([str(house.binary), "serve", "--data", str(house.data), "--config",
                             str(house.config), "--listen", "127.0.0.1:0"],
                            capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1 and "of a house that runs" in second.stderr, second
    assert folder.exists() and house.get("/api/models").status_code == 200
    publish(house, repo_of(house), {"m.safetensors": weights.safetensors({"w": (8, 8)})})
    assert house.stop() == 0
    assert not folder.exists()
    house.start()
    assert engine_folders(house)
    house.kill()  # nobody is left to tidy up; the next start uses it, and takes it away
    assert engine_folders(house)
    house.start()
    assert house.stop() == 0
    assert not engine_folders(house)
