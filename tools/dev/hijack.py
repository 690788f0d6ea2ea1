#!/usr/bin/env python3
"""./dev demo hijack: somebody misuses the hosted model of a running demonstration
house until the house stops them, while somebody else goes on chatting.

Both are new accounts with keys of their own, used as any program would. What the
first sends are public rows of attacks, one family after the other, read from
../shared/data when they are needed: named here by id and family, never printed,
never kept. Then: how the evidence grew, the page of the case, and the appeal, for
which nobody signs in.

  --appeal   also send the appeal, instead of printing how to"""

import argparse
import gzip
import json
import math
import os
import pathlib
import secrets
import sys
import threading
import time

from demo_house import HOSTED, V1, Refused, call, chat, die, die_silent, new_key, operator, say

ROWS = pathlib.Path(os.environ.get("WH_SHARED", "../shared")) / "data/hijack/dev.jsonl.gz"
FAMILIES = ("override", "persona", "extraction", "injection", "payload-split", "obfuscation")
EACH = 8  # rows of one family, then the next
ASKED = 8  # honest questions at least, also where the attacker is stopped at once
PATIENCE = 110  # seconds after which the attacker gives up
LETTERS = 3000  # longer rows take a small machine long to read
HONEST = ("vicuna-bench", "mt-bench", "xstest-safe")
WAIT_FOR_ENGINE = 600
REASON = "DEMO: these were rows of a public collection, sent to show how this looks"


# ---- who takes part ----

class Person:
    """A new account; what programs of theirs hold is a key."""

    def __init__(self, admin, name):
        self.name = f"{name}-{secrets.token_hex(4)}"
        self.token = call("POST", V1 + "/users", admin, {"name": self.name})["token"]
        self.key = new_key(self.token)

    def ask(self, text):
        """The answer is read to its end, and dropped."""
        with chat(self.key, text) as answer:
            answer.read()


def read_rows():
    """Attacks in the order they are sent, one of each cluster; honest questions."""
    families, honest, seen = {f: [] for f in FAMILIES}, [], set()
    with gzip.open(ROWS, "rt") as file:
        for row in map(json.loads, file):
            text = row["text"] if "text" in row else row["turns"][0]
            if row["cluster"] in seen or len(text) > LETTERS or row.get("part"):
                continue
            seen.add(row["cluster"])
            if row["kind"] == "attack" and row["family"] in families:
                families[row["family"]].append((row["id"], row["family"], text))
            elif row["source"] in HONEST:
                honest.append(text)
    draw = secrets.SystemRandom()
    draw.shuffle(honest)
    attacks = []
    for rows in families.values():
        draw.shuffle(rows)
        attacks += rows[:EACH]
    return attacks, honest


def wait_until_hosted(person, text):
    """The first question is an honest one: whether the model answers at all."""
    began, told, said = time.monotonic(), 0, ""
    while True:
        try:
            person.ask(text)
            return
        except Refused as e:
            if e.code == "engine_unavailable" and time.monotonic() - began < WAIT_FOR_ENGINE:
                if str(e) != said and time.monotonic() > told + 5:
                    said, told = str(e), time.monotonic()
                    say(f"waiting for the engine: {said}")
                time.sleep(min(max(e.after, 1), 5))
                continue
            die_silent(e, "not hosted yet? ./dev demo approve     recalled? ./dev demo lift")


class Honest(threading.Thread):
    """Asks one honest question after the other."""

    def __init__(self, person, texts):
        super().__init__(daemon=True)
        self.person, self.texts = person, texts
        self.answered, self.refused = 0, []
        self.over = threading.Event()

    def end(self):
        """After enough questions, and at most half a minute."""
        began = time.monotonic()
        while self.answered + len(self.refused) < ASKED and time.monotonic() - began < 30:
            time.sleep(0.2)
        self.over.set()
        self.join(60)

    def run(self):
        for text in self.texts:
            try:
                self.person.ask(text)
                self.answered += 1
            except Refused as e:
                self.refused.append(e.code)
            if self.over.wait(1.5):
                return


def attack(person, attacks):
    """Until stopped: how many attempts it took, and the address of the case."""
    began, url, sent = time.monotonic(), None, 0
    for row, family, text in attacks:
        while True:
            at = time.monotonic() - began
            if at > PATIENCE:
                return sent, url, False
            what, after = "answered", 0
            try:
                person.ask(text)
            except Refused as e:
                what, after = f"{e.status} {e.code}", e.after
                url = e.error.get("url", url)
            if what.startswith("429"):
                say(f"  {at:5.1f} s       slowed down: the next in {after} s")
                time.sleep(min(max(after, 1), 12))
                continue
            break
        sent += 1
        say(f"  {at:5.1f} s  {sent:3}  {family:<14}{row:<36}{what}")
        if what.startswith(("401", "403")):
            return sent, url, True
    return sent, url, False


# ---- what came of it ----

WIDE = 9  # columns for each power of ten


def picture(alarms, ladder):
    """The evidence after each alarm, on a scale of powers of ten with the ladder's rungs."""
    rungs = [(step["name"], round(math.log10(float(step["evidence"])))) for step in ladder]
    width = rungs[-1][1] * WIDE + 1
    head, marks = [" "] * (width + WIDE), [" "] * width
    for name, decades in rungs:
        head[decades * WIDE:decades * WIDE + len(name)] = name
        marks[decades * WIDE] = "|"
    lines = [" " * 22 + "".join(head).rstrip()]
    for n, alarm in enumerate(alarms, 1):
        filled = round(alarm["ln_evidence_millionths"] / 1e6 / math.log(10) * WIDE)
        bar = ["#"] * min(max(filled, 0), width)
        evidence = f"{float(alarm['evidence']):,.0f}"
        lines.append(f"  alarm {n:2} {evidence:>10}  " + "".join(bar + marks[len(bar):]).rstrip())
    return lines


def the_case(url):
    """The case is written twice a second: wait until it says what was answered."""
    path = V1 + url[url.index("/cases/"):]
    for _ in range(20):
        case = call("GET", path)
        if case["rung"] in ("suspend", "cut"):
            break
        time.sleep(0.3)
    return path, case


def tell_case(person, url, ladder, appeal):
    path, case = the_case(url)
    say(f"\nThe case, to look at in a browser without signing in:\n    {url}\n")
    say("How the evidence grew, with each alarm (an honest account reaches N with a chance of at\n"
        "most 1/N, as long as its requests are alarmed no more often than was assumed):\n")
    for line in picture(sorted(case["alarms"], key=lambda a: a["at"]), ladder):
        say(line)
    say(f"\nWhat was done: {case['rung']} (of this {case['about']}), until {case['until']}.")
    say(f"What lifts it: {case['lifts']}")
    try:
        person.ask("What is a harbour?")
        die("the key that was stopped is answered")
    except Refused as e:
        say(f"The key now, asked something harmless: {e.status} {e.code}")
    if appeal:
        case = call("POST", path + "/appeal", None, {"text": REASON})
        say(f"Appealed, without signing in: {len(case['appeals'])} on the case's page.")
    else:
        say("To appeal, there or by hand; no token is needed (or: ./dev demo hijack --appeal):\n"
            f"    weighhouse case appeal {url.rsplit('/', 1)[1]} "
            "--reason \"It was a demonstration\"")


def tell_honest(honest):
    cases = call("GET", V1 + "/cases", honest.person.token)["cases"]
    say(f"\n{honest.person.name} meanwhile: {honest.answered} answered, "
        f"{len(honest.refused)} refused, {len(cases)} cases"
        + (" (not touched)" if not cases and not honest.refused else ""))


def main():
    parser = argparse.ArgumentParser(prog="./dev demo hijack", description=__doc__.split(":")[0])
    parser.add_argument("--appeal", action="store_true", help="also send the appeal")
    args = parser.parse_args()
    if not ROWS.exists():
        say(f"hijack: the rows are absent ({ROWS} is not there), so there is nothing to play")
        return 0
    watch = call("GET", V1 + "/watch")
    if not watch["layers"]["classifier"]:
        say("hijack: the house has no classifier, so it counts no evidence against anybody and "
            "stops nobody.\n        ./dev run makes one where the training rows are there.")
        return 0
    attacks, texts = read_rows()
    admin = operator()
    mallory, harriet = Person(admin, "demo-mallory"), Person(admin, "demo-harriet")
    wait_until_hosted(harriet, texts.pop())
    say(f"{mallory.name} attacks {HOSTED}; {harriet.name} chats with it.\n"
        "Rows are named by family and id; what is answered to them is not kept.\n")
    honest = Honest(harriet, texts)
    honest.start()
    began = time.monotonic()
    sent, url, stopped = attack(mallory, attacks)
    took = time.monotonic() - began
    honest.end()
    if stopped:
        say(f"\n{mallory.name} was stopped after {sent} attempts, {took:.0f} s.")
    else:
        say(f"\n{mallory.name} gave up after {sent} attempts and was not stopped.")
    if url:
        tell_case(mallory, url, watch["ladder"], args.appeal)
    tell_honest(honest)
    return 0 if stopped else 1


if __name__ == "__main__":
    sys.exit(main())
