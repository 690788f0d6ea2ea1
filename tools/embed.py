#!/usr/bin/env python3
"""Turn templates/*.html and assets/* into one C file that is linked in.

usage: embed.py ROOT OUT.c DEPFILE

Each file becomes an array of bytes; an asset also gets the first 16 digits of
its SHA-256, which is part of the URL it is served under, so that it may be
cached for ever.
"""
import hashlib
import pathlib
import sys


def files(folder, suffixes):
    return sorted(p for p in folder.iterdir()
                  if p.suffix in suffixes and not p.name.startswith('.'))


def array(name, data):
    rows = []
    for i in range(0, len(data), 16):
        rows.append('    ' + ','.join(str(b) for b in data[i:i + 16]) + ',')
    # C has no empty arrays: one byte behind the end that nobody counts
    return f'static const unsigned char {name}[] = {{\n' + \
        '\n'.join(rows) + '\n    0};\n'


def table(kind, paths, stem):
    arrays, rows = [], []
    for i, path in enumerate(paths):
        data = path.read_bytes()
        name = path.stem if stem else path.name
        digest = hashlib.sha256(data).hexdigest()[:16]
        arrays.append(array(f'{kind}_{i}', data))
        rows.append(f'    {{"{name}", "{digest}", {kind}_{i}, {len(data)}}},')
    return ('\n'.join(arrays) +
            f'\nconst struct tmpl_blob tmpl_{kind}[] = {{\n' +
            '\n'.join(rows) + '\n};\n' +
            f'const size_t tmpl_{kind}_n = {len(paths)};\n')


def main():
    root, out, depfile = (pathlib.Path(a) for a in sys.argv[1:4])
    templates = files(root / 'templates', {'.html'})
    assets = files(root / 'assets', {'.css', '.js', '.svg', '.png', '.txt'})
    out.write_text('/* Made by tools/embed.py. */\n'
                   '#include "tmpl/blob.h"\n\n' +
                   table('templates', templates, True) + '\n' +
                   table('assets', assets, False))
    inputs = [root / 'templates', root / 'assets', *templates, *assets]
    depfile.write_text(f'{out}: ' + ' '.join(
        str(p).replace(' ', '\\ ') for p in inputs) + '\n')


if __name__ == '__main__':
    main()
