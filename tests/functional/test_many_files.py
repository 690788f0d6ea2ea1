"""Commits of many small files: what lands, what one bad file does, a scanner that
dies over a group of them, and a stop in the middle."""

import json
import os
import re
import signal
import time

from hands import commit, file_op, in_a_thread, is_an_error, kill_a_scanner


def names(house, repo):
    return set(house.api().list_repo_files(repo)) - {".gitattributes"}


def test_three_thousand_small_files(house):
    house.api().create_repo("admin/many")
    files = {f"d{i % 40}/f{i}.txt": f"file {i}\n".encode() * (i % 50) for i in range(3000)}
    files["large.txt"] = b"one of the larger ones\n" * 20_000
    r = commit(house, "admin/many", *[file_op(p, d) for p, d in files.items()])
    assert r.status_code == 200, r.text
    assert names(house, "admin/many") == set(files)
    for path in ["large.txt", *list(files)[::211]]:
        r = house.get(f"/admin/many/resolve/main/{path}")
        assert (r.status_code, r.content) == (200, files[path]), path


def test_one_bad_file_among_many(house):
    """It is named, whichever group it is in, and nothing lands with it."""
    house.api().create_repo("admin/rotten")
    commit(house, "admin/rotten", file_op("first.txt", b"1"))
    program = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00" + bytes(200)
    for place in 0, 300, 599:
        ops = [file_op(f"f{i}.txt", f"{i}\n".encode()) for i in range(600)]
        ops[place] = file_op("tool", program)
        message = is_an_error(commit(house, "admin/rotten", *ops), 422)
        assert message.startswith("tool is program (elf)"), message
    assert names(house, "admin/rotten") == {"first.txt"}


def test_a_scanner_that_dies_over_a_group(house):
    """Then each file is asked about alone, and all is as if nothing had happened."""
    house.api().create_repo("admin/dying")
    zygote = house.children()["zygote"][0]
    files = {}

    def prepare(_):
        files.update({f"f{i}.txt": f"{time.monotonic_ns()} {i}\n".encode() * 2500
                      for i in range(60)})
        ops = [file_op(p, d) for p, d in files.items()]
        return lambda: commit(house, "admin/dying", *ops)
    for _ in range(10):  # it may be done before it is killed
        r = kill_a_scanner(zygote, prepare)
        assert r.status_code == 200
        if "commit.one-by-one code=CHILD_DIED" in house.log():
            break
    assert "commit.one-by-one code=CHILD_DIED" in house.log()
    assert names(house, "admin/dying") == set(files)
    r = house.get("/admin/dying/resolve/main/f7.txt")
    assert (r.status_code, r.content) == (200, files["f7.txt"])


def test_a_stop_in_the_middle_of_a_commit(fresh_house):
    """The answer comes before the house goes, and says that nothing was kept."""
    h = fresh_house().start()
    h.api().create_repo("admin/half")
    assert commit(h, "admin/half", file_op("first.txt", b"1")).status_code == 200
    ops = [file_op(f"f{i}.txt", f"file {i}\n".encode() * 9000) for i in range(300)]
    zygote = h.children()["zygote"][0]
    os.kill(zygote, signal.SIGSTOP)  # the first of some hundred scanners is waited for
    answer = in_a_thread(lambda: commit(h, "admin/half", *ops))
    time.sleep(2)
    h.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    os.kill(zygote, signal.SIGCONT)
    message = is_an_error(answer(), 503)
    assert "send it again" in message
    assert h.process.wait(30) == 0, h.log()[-3000:]
    h.stop()
    assert re.search(r"child\.end child=front exit=0 ", h.log()), h.log()[-3000:]
    h.start()
    assert names(h, "admin/half") == {"first.txt"}
    r = commit(h, "admin/half", *ops[:3])
    assert r.status_code == 200 and json.loads(r.text)["success"]
    assert len(names(h, "admin/half")) == 4


def test_a_child_that_had_to_be_killed_is_no_stop_in_order(fresh_house):
    h = fresh_house().start()
    os.kill(h.children()["zygote"][0], signal.SIGSTOP)
    assert h.stop() == 4
    assert re.search(r"child\.kill child=zygote .*why=.?too slow", h.log()), h.log()[-3000:]
