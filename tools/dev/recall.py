#!/usr/bin/env python3
"""./dev demo recall: DEMO approvers take their trust back, from the hosted model while
it is answering, and from the open one.

The first is closed: what it was saying ends, and nobody is answered any more. The
second is out in the world and stays open: it is marked, everybody who downloads it
is told, and lists leave it out. `./dev demo lift` undoes both; doing it again is
doing no harm.

  --lift   what ./dev demo lift does: the approvers lift both recalls"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from demo_house import (HOSTED, OPEN, URL, V1, Refused, call, chat, decide, die, die_silent,
                        new_key, operator, run, say, subject, weights)

QUESTION = os.environ.get("WH_DEMO_QUESTION",
                          "Write a very long story about a harbour, with many chapters.")
WAIT_FOR_ENGINE = 600
ENOUGH = 10  # events of a stream before it is interrupted
EFFECT = 60  # seconds until a decision that was signed is in effect
LIFT = "./dev demo lift"


def notice(repo):
    """The notice in force about this release, or None."""
    about = subject(repo)
    for one in call("GET", V1 + "/notices"):
        if one["subject"] == about and one["state"] == "in force":
            return one
    return None


def until(what):
    end = time.monotonic() + EFFECT
    while not (got := what()):
        if time.monotonic() > end:
            die("the decision is signed, and not in effect yet; is the register well?")
        time.sleep(0.1)
    return got


def heading(text):
    say(f"\n-- {text}")


# ---- a stream that is open ----

class Stream(threading.Thread):
    """One answer as it comes: its events, and when the last of them came."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer, self.events, self.ended = answer, [], None
        self.first = threading.Event()

    def run(self):
        for line in self.answer:
            if line.startswith(b"data: "):
                self.events.append(line[6:].strip())
                if len(self.events) == ENOUGH:
                    self.first.set()
        self.ended = time.monotonic()
        self.first.set()


def open_stream(key):
    began = time.monotonic()
    while True:
        try:
            stream = Stream(chat(key, QUESTION, 3500, stream=True, temperature=0))
            break
        except Refused as e:
            if e.code == "engine_unavailable" and time.monotonic() - began < WAIT_FOR_ENGINE:
                time.sleep(min(max(e.after, 1), 5))
                continue
            die_silent(e, "not hosted yet? ./dev demo approve")
    stream.start()
    if not stream.first.wait(120) or stream.ended:
        die("the model said nothing that could be interrupted")
    return stream


def tell_end(stream, signed):
    stream.join(60)
    if stream.ended is None:
        die("the stream is still running")
    say(f"  the stream ended {max(0.0, stream.ended - signed):.1f} s after the last signature was "
        f"counted,\n  after {len(stream.events)} events. The last of them:")
    for raw in stream.events[-3:]:
        try:
            event = json.loads(raw)
        except ValueError:
            say(f"    {raw.decode()}")
            continue
        reasons = [c["finish_reason"] for c in event.get("choices", []) if c.get("finish_reason")]
        for reason in reasons:
            say(f"    finish_reason: {reason}")
        if "error" in event:
            error = event["error"]
            say(f"    {error.get('code')}: {error.get('message')}")
            if error.get("url"):
                say(f"    url: {error['url']}")


# ---- what is seen of it ----

def banner(repo):
    with urllib.request.urlopen(f"{URL}/{repo}", timeout=60) as answer:
        page = answer.read().decode()
    found = re.search(r"Recalled: [^<]*", page)
    return found.group(0).strip() if found else None


def tell_page_and_verify(repo):
    say(f"  its page {URL}/{repo} says:\n    {until(lambda: banner(repo))}")
    code, out, _ = run("verify", f"{URL}/{repo}")
    say(f"  weighhouse verify {URL}/{repo} ends with {code}:")
    for line in out.splitlines()[:3]:
        say(f"    {line}")
    one = notice(repo)
    say(f"  the notice, in the public register as entry {one['index']}: {URL}/notices/{one['id']}")


def recall_hosted(token):
    heading(f"{HOSTED}: a stream is opened, and the model is recalled while it runs")
    key = new_key(token)
    stream = open_stream(key)
    decide("recall", HOSTED, "DEMO: to show how a recall looks", "--rule", "notice/security")
    tell_end(stream, time.monotonic())
    until(lambda: notice(HOSTED))
    try:
        chat(key, "Name a colour.").close()
        die("the recalled model still answers")
    except Refused as e:
        say(f"  /v1 says now: {e.status} {e.code}\n    {e}")
    tell_page_and_verify(HOSTED)


def hf_program():
    found = pathlib.Path(".dev/venv/bin/hf")
    return str(found) if found.exists() else shutil.which("hf")


def tell_download(repo):
    program = hf_program()
    if not program:
        with urllib.request.urlopen(f"{URL}/{repo}/resolve/main/README.md", timeout=60) as answer:
            say(f"  whoever downloads it is sent: X-HF-Warning: {answer.headers['X-HF-Warning']}")
        return
    with tempfile.TemporaryDirectory(prefix="weighhouse-demo-") as folder:
        env = {**os.environ, "HF_ENDPOINT": URL, "HF_HOME": folder, "NO_COLOR": "1"}
        env.pop("HF_TOKEN", None)
        done = subprocess.run([program, "download", repo, "README.md", "--local-dir",
                               folder + "/here"], env=env, capture_output=True, text=True,
                              timeout=120, check=False)
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr + done.stdout)
    said = [line.strip() for line in said.splitlines() if "recall" in line.lower()]
    say(f"  hf download {repo} ends with {done.returncode}, and prints:")
    for line in said or ["(no warning)"]:
        say(f"    {line}")


def listed(repo, **query):
    more = "".join(f"&{k}={v}" for k, v in query.items())
    found = call("GET", f"/api/models?limit=1000&search={repo.split('/')[1]}{more}")
    return repo in [m["id"] for m in found]


def recall_open():
    heading(f"{OPEN}: what is out in the world is marked, and stays open")
    decide("recall", OPEN, "DEMO: to show how a mark looks", "--rule", "notice/evidence",
           "--tier", "open")
    until(lambda: notice(OPEN))
    tell_page_and_verify(OPEN)
    tell_download(OPEN)
    found = {True: "finds it", False: "does not find it"}
    say(f"  search {found[listed(OPEN)]}; asked for recalled ones too, it "
        f"{found[listed(OPEN, recalled='true')]}: {URL}/models?recalled=true")


# ---- both, and back ----

def recall_both():
    token = operator()
    for repo, doing in ((HOSTED, lambda: recall_hosted(token)), (OPEN, recall_open)):
        before = notice(repo)
        if before:
            say(f"{repo} is recalled already, since {before['issued']}: "
                f"{URL}/notices/{before['id']}")
            continue
        tier = weights(repo)
        if repo == HOSTED and tier != "hosted":
            die(f"{repo} is {tier}, not hosted: ./dev demo approve first")
        doing()
    say("\nWhat lifts a recall: a quorum of approvers, as it took to make it; nobody else, the\n"
        f"operator neither. Here: {LIFT}. Until then everything else goes on as it was.")


def lift_both():
    for repo in (HOSTED, OPEN):
        if not notice(repo):
            say(f"{repo} is not recalled")
            continue
        decide("lift", repo, "DEMO: it was looked at again", names=("bea", "cid"))
        until(lambda repo=repo: not notice(repo))
        tier = weights(repo)
        say(f"{repo}: the recall is lifted; its weights are {tier}"
            + (", ./dev demo approve hosts it anew" if tier == "held" else ""))


def main():
    parser = argparse.ArgumentParser(prog="./dev demo recall")
    parser.add_argument("--lift", action="store_true", help="lift both recalls again")
    args = parser.parse_args()
    if args.lift:
        lift_both()
    else:
        recall_both()
    return 0


if __name__ == "__main__":
    sys.exit(main())
