#!/usr/bin/env python3
"""Render every sample page and look it over.

usage: check_pages.py RENDER_PAGE FOLDER [OUT]

A sample is TEMPLATE.VARIANT.json; with OUT the pages are kept there. Checked:
tags are well nested, nothing needs an inline script or style, ids are unique,
what refers to an id finds it, fields have labels, pictures have texts, there is
one h1 and one main, headings do not skip a level, tables have headings that
say their direction.
"""
import html.parser
import pathlib
import subprocess
import sys

VOID = {'meta', 'link', 'br', 'hr', 'img', 'input'}
SELF = {'path', 'line', 'rect', 'circle'}
REFERS = ('for', 'aria-labelledby', 'aria-describedby')


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong = [], []
        self.ids, self.refs, self.labels = [], [], set()
        self.fields, self.heads, self.tags = [], [], []
        self.in_label = 0

    def bad(self, what):
        self.wrong.append(f'line {self.getpos()[0]}: {what}')

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if len(a) != len(attrs):
            self.bad(f'an attribute twice in <{tag}>')
        self.tags.append(tag)
        self.look(tag, a)
        if tag not in VOID and tag not in SELF:
            self.open.append(tag)
        if tag == 'label':
            self.in_label += 1

    def handle_startendtag(self, tag, attrs):
        if tag not in SELF:
            self.bad(f'<{tag}/> closes itself')
        self.look(tag, dict(attrs))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad(f'</{tag}> is not what is open')
        if tag == 'label':
            self.in_label -= 1

    def handle_comment(self, data):
        self.bad('a comment')

    def look(self, tag, a):
        for name, value in a.items():
            if name == 'style' or name.startswith('on'):
                self.bad(f'{name}= in <{tag}>')
            if name == 'id':
                self.ids.append(value)
            if name in REFERS:
                self.refs += value.split()
            if name in ('href', 'src', 'action') and value.startswith('#') \
                    and len(value) > 1 and not value.startswith('#card-'):
                self.refs.append(value[1:])
            if name in ('href', 'src', 'action') and \
                    value.lower().startswith(('javascript:', 'data:', '//')):
                self.bad(f'{name}={value}')
        if tag == 'style' or (tag == 'script' and 'src' not in a):
            self.bad(f'an inline <{tag}>')
        if tag == 'label' and 'for' in a:
            self.labels.add(a['for'])
        if tag in ('input', 'select', 'textarea') and \
                a.get('type') not in ('hidden',):
            named = 'aria-label' in a or self.in_label
            self.fields.append((a.get('id'), named, self.getpos()[0]))
        if tag == 'img' and 'alt' not in a:
            self.bad('a picture without text')
        if tag == 'svg' and 'aria-label' not in a and 'aria-hidden' not in a:
            self.bad('a drawing without text')
        if tag == 'th' and 'scope' not in a and 'prose' not in self.places():
            self.bad('a heading of a table without direction')
        if tag in ('h1', 'h2', 'h3', 'h4', 'h5', 'h6'):
            self.heads.append(int(tag[1]))

    def places(self):
        return 'prose' if 'article' in self.open else ''

    def done(self):
        self.close()
        for i in {i for i in self.ids if self.ids.count(i) > 1}:
            self.bad(f'id {i} is there twice')
        for ref in self.refs:
            if ref not in self.ids:
                self.bad(f'nothing has the id {ref}')
        for name, named, line in self.fields:
            if not named and name not in self.labels:
                self.bad(f'a field without label (line {line})')
        for tag in ('h1', 'main', 'header', 'footer', 'title'):
            if self.tags.count(tag) != 1:
                self.bad(f'{self.tags.count(tag)} times <{tag}>')
        for before, after in zip(self.heads, self.heads[1:]):
            if after > before + 1:
                self.bad(f'h{after} comes after h{before}')
        if self.open:
            self.bad(f'left open: {self.open}')
        return self.wrong


def main():
    render, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    out = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    samples, failed, seen = sorted(folder.glob('*.json')), 0, set()
    for sample in samples:
        template = sample.name.split('.')[0]
        seen.add(template)
        made = subprocess.run([render, template, str(sample)],
                              capture_output=True, check=False)
        wrong = [made.stderr.decode().strip()]
        if made.returncode == 0:
            page = Page()
            page.feed(made.stdout.decode())
            wrong = page.done()
            if out:
                out.mkdir(parents=True, exist_ok=True)
                (out / (sample.stem + '.html')).write_bytes(made.stdout)
        for w in wrong:
            failed += 1
            print(f'{sample.stem}: {w}')
    for t in sorted((folder.parents[2] / 'templates').glob('*.html')):
        if '{{>top}}' in t.read_text() and t.stem not in seen:
            failed += 1
            print(f'{t.stem}: no sample shows this page')
    print(f'{len(samples)} pages, {failed} faults')
    return 1 if failed or not samples else 0


if __name__ == '__main__':
    sys.exit(main())
