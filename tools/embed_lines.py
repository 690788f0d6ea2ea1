#!/usr/bin/env python3
"""Turn the shipped lines, the table of models and eval.jq into C bytes.

usage: embed_lines.py OUT.c FILE...

The order of the files is the order of the table rule_shipped_files.
"""
import pathlib
import sys


def main():
    out = pathlib.Path(sys.argv[1])
    paths = [pathlib.Path(p) for p in sys.argv[2:]]
    text = ['/* Made by tools/embed_lines.py. */',
            '#include "rule/shipped.h"', '']
    rows = []
    for i, path in enumerate(paths):
        data = path.read_bytes()
        text.append(f'static const char file_{i}[] = {{')
        for at in range(0, len(data), 16):
            # a cast, since bytes above 127 do not fit a signed char
            row = ','.join(str(b if b < 128 else b - 256)
                           for b in data[at:at + 16])
            text.append(f'    {row},')
        text.append('    0};')
        rows.append(f'    {{"{path.name}", {{file_{i}, {len(data)}}}}},')
    text += ['', 'const struct rule_file rule_shipped_files[] = {', *rows,
             '};', f'const size_t rule_shipped_files_n = {len(paths)};']
    out.write_text('\n'.join(text) + '\n')


if __name__ == '__main__':
    main()
