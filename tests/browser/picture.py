#!/usr/bin/env python3
"""Take a picture of a page of a running house, as docs/model-page.png was:

    NODE_PATH=.dev/node/node_modules python3 tests/browser/picture.py \\
        http://127.0.0.1:8080 /demo/smollm2-135m-instruct docs/model-page.png
"""

import argparse
import json
import pathlib
import shutil
import subprocess


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(",")[0])
    parser.add_argument("url")
    parser.add_argument("path")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--dark", action="store_true")
    args = parser.parse_args()
    driver = pathlib.Path(__file__).resolve().parent / "driver.cjs"
    steps = [{"step": "fresh", "width": args.width, "dark": args.dark},
             {"step": "goto", "path": args.path},
             {"step": "shot", "file": str(args.out.resolve())}]
    done = subprocess.run([shutil.which("node"), str(driver), args.url], text=True, check=True,
                          input="".join(json.dumps(s) + "\n" for s in steps),
                          stdout=subprocess.PIPE)
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if "error" in answer:
            raise SystemExit(answer["error"])


if __name__ == "__main__":
    main()
