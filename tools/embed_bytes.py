#!/usr/bin/env python3
"""Turn one file into C bytes.

usage: embed_bytes.py OUT.c HEADER SYMBOL FILE

HEADER declares `extern const struct wh_str SYMBOL`.
"""
import pathlib
import sys


def main():
    out, header, symbol, path = sys.argv[1:]
    data = pathlib.Path(path).read_bytes()
    text = ['/* Made by tools/embed_bytes.py. */', f'#include "{header}"', '',
            'static const char bytes[] = {']
    for at in range(0, len(data), 16):
        # signed, since bytes above 127 do not fit a char
        row = ','.join(str(b if b < 128 else b - 256)
                       for b in data[at:at + 16])
        text.append(f'    {row},')
    text += ['    0};', '',
             f'const struct wh_str {symbol} = {{bytes, {len(data)}}};']
    pathlib.Path(out).write_text('\n'.join(text) + '\n')


if __name__ == '__main__':
    main()
