"""What the demonstrations of ./dev demo have in common: the running house, asked as any
program asks it, and its DEMO approvers, played."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

URL = os.environ.get("WEIGHHOUSE_URL", "http://127.0.0.1:8080").rstrip("/")
WORK = pathlib.Path(os.environ.get("WH_DEMO", ".dev/demo"))
HOSTED = os.environ.get("WH_DEMO_HOSTED", "demo/smollm2-135m-instruct")
OPEN = os.environ.get("WH_DEMO_OPEN", "demo/all-minilm-l6-v2")
V1 = "/api/weighhouse/v1"


class Refused(Exception):
    """What the house answered that was no success."""

    def __init__(self, status, body, after):
        try:
            error = json.loads(body).get("error")
        except ValueError:
            error = None
        self.status, self.after = status, after
        self.error = error if isinstance(error, dict) else {"message": str(error)}
        super().__init__(self.error.get("message"))

    @property
    def code(self):
        return self.error.get("code") or ""


def say(text=""):
    print(text, flush=True)


def die(text):
    sys.exit(f"demo: {text}")


def begin(method, path, token=None, body=None):
    """The answer, to be read piece by piece."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"},
                                     method=method)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        return urllib.request.urlopen(request, timeout=120)
    except urllib.error.HTTPError as e:
        after = e.headers.get("Retry-After") or "0"
        raise Refused(e.code, e.read(), int(after) if after.isdigit() else 0) from None
    except urllib.error.URLError as e:
        return die(f"no house answers at {URL} ({e.reason}): start ./dev run first")


def call(method, path, token=None, body=None):
    with begin(method, path, token, body) as answer:
        return json.load(answer)


def operator():
    """The admin's token, as the operator of the demonstration."""
    token = os.environ.get("WEIGHHOUSE_TOKEN")
    try:
        return token or (WORK / "data/admin.token").read_text().strip()
    except OSError:
        return die("WEIGHHOUSE_TOKEN is not set: ./dev run prints how")


def new_key(token):
    return call("POST", V1 + "/keys", token, {"name": "demo"})["secret"]


def chat(key, text, tokens=16, **more):
    return begin("POST", "/v1/chat/completions", key, {
        "model": HOSTED, "max_tokens": tokens, **more,
        "messages": [{"role": "user", "content": text}]})


def die_silent(refused, *hints):
    """Why the hosted model does not answer, in the house's words."""
    if refused.code == "model_awaits_exam":
        hints = (f"it waits for its exam: weighhouse exam {HOSTED}",)
    die("\n  ".join([f"{HOSTED} does not answer: {refused}", *hints]))


def weights(repo):
    """The tier of its weights, or None while it is being decided."""
    return call("GET", f"/api/models/{repo}")["weighhouse"].get("tiers", {}).get("weights")


def program():
    found = os.environ.get("WEIGHHOUSE_BIN") or shutil.which("weighhouse") or "build/weighhouse"
    if not os.access(found, os.X_OK):
        die("weighhouse is not in PATH: ./dev run prints how")
    return found


def run(*words, token=None):
    """A line of the program, as a person types it: code, what it said."""
    env = {**os.environ, "WEIGHHOUSE_URL": URL}
    env.pop("WEIGHHOUSE_TOKEN", None)
    if token:
        env["WEIGHHOUSE_TOKEN"] = token
    done = subprocess.run([program(), *map(str, words)], env=env, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def subject(repo):
    return call("GET", f"{V1}/models/{repo}/revision/main/release")["subject"]


def decide(act, repo, reason, *options, names=("ada", "cid")):
    """Two DEMO approvers, of one house each, sign an act about this release."""
    folder = WORK / "approvers"
    if not (folder / names[0]).exists():
        die(f"there are no DEMO approvers in {folder}: start ./dev run first")
    statement = folder / f"{act}.txt"
    code, out, err = run("decision", "statement", act, subject(repo), "--reason", reason, *options)
    if code:
        die(err.strip())
    statement.write_text(out)
    for name in names:
        code, _, err = run("decision", "sign", statement, "--key", folder / name)
        if code:
            die(f"{name} could not sign: {err.strip().splitlines()[-1]}")
        say(f"  {name} has signed (DEMO): {act} {repo}")
