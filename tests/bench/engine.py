"""How long a hosted model takes from the word until it answers: weights into the memory
file, the cage, llama-server. The yardstick is the same program over the same file with
the same arguments, started from a shell as one does, until its /health says yes. Both
files are in the page cache. Needs llama-server and the sample model."""

import os
import subprocess
import time
import urllib.error
import urllib.request

from _lib import free_port, median, ratios, row, wait_for

import engines

ROUNDS, SLOTS, CONTEXT = 5, 2, 1024
# As the house has it where its configuration says nothing: a core is left to front.
THREADS = max(1, os.cpu_count() - 1)
# As the house tells its engines (src/gateway/engine_run.c).
ENGINE_ENV = {"LLAMA_ARG_CACHE_RAM": "0", "LLAMA_ARG_ENDPOINT_SLOTS": "0", "LLAMA_ARG_UI": "0",
              "LLAMA_ARG_WEBUI": "0", "LLAMA_ARG_OFFLINE": "1"}


def ours(house, model):
    began = time.monotonic()
    weights = house.open(model, slots=SLOTS)  # hashes the file, too
    house.wait(weights, "ready", seconds=120)
    took = time.monotonic() - began
    house.ask("close", weights)
    house.wait(weights, "none")
    return took


def healthy(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as r:
            return r.status == 200
    except (urllib.error.URLError, OSError):
        return False


def plain(program, model):
    port = free_port()
    began = time.monotonic()
    p = subprocess.Popen([program, "-m", str(model), "--host", "127.0.0.1", "--port", str(port),
                          "-c", str(SLOTS * CONTEXT), "-np", str(SLOTS),
                          "-t", str(THREADS), "--threads-http", str(SLOTS + 4)],
                         env={**os.environ, **ENGINE_ENV}, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    wait_for(lambda: healthy(port), 120)
    took = time.monotonic() - began
    p.terminate()
    p.wait(30)
    return took


def main():
    program, model = engines.llama_server(), engines.smollm2()
    if not program or not model or engines.NO_CAGE:
        print("no llama-server, no sample model, or no cage here: not measured")
        return
    house = engines.Engines(program, speed="patient")
    rounds = [(ours(house, model), plain(program, model)) for _ in range(ROUNDS)]
    house.stop()
    mine, yard = zip(*rounds)
    row(f"engine start, {model.stat().st_size >> 20} MiB of weights", f"{median(mine):.2f} s",
        f"llama-server {median(yard):.2f} s", ratios(mine, yard))


main()
