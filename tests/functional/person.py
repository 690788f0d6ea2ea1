"""People at the pages with nothing but forms."""

import html
import re

import requests


class Person:
    """A browser without scripts and without an account: it knows pages and forms."""

    def __init__(self, house):
        self.url = house.url
        self.http = requests.Session()
        self.http.headers["Accept"] = "text/html"
        self.page = None

    def get(self, path):
        self.page = self.http.get(self.url + path, timeout=60)
        return self.page

    def hidden(self, name):
        m = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', self.page.text)
        return html.unescape(m.group(1)) if m else ""

    def post(self, path, **fields):
        """As a browser sends it: every line ends with CR LF."""
        fields.setdefault("csrf", self.hidden("csrf"))
        body = {k: v.replace("\n", "\r\n") for k, v in fields.items()}
        self.page = self.http.post(self.url + path, data=body, timeout=60)
        return self.page

    def draft(self, act, subject="", **fields):
        r = self.get(f"/desk/new?act={act}&subject={subject}")
        assert r.status_code == 200, r.text
        fields.setdefault("reasons", "for the test")
        return self.post("/desk/new", act=act, subject=subject, **fields)

    def statement(self):
        """What the page shows is what its form carries."""
        shown = html.unescape(re.search(r'<pre id="text"[^>]*>(.*?)</pre>', self.page.text,
                                        re.S).group(1))
        assert shown == self.hidden("statement") and shown.startswith("weighhouse decision v1\n")
        return shown

    def hand_in(self, signature, confirm="", **fields):
        fields.setdefault("statement", self.hidden("statement"))
        return self.post("/desk/sign", roster=self.hidden("roster"), signature=signature,
                         confirm=confirm, **fields)

    def alert(self):
        m = re.search(r'role="alert"><p>(?:<b>)?(.*?)(?:</b>)?</p>', self.page.text, re.S)
        return html.unescape(m.group(1)) if m else ""

    def words(self):
        text = re.sub(r"<[^>]+>", " ", self.page.text)
        return " ".join(html.unescape(text).split())

    def section(self, name):
        """The words of one section of the page, by the id of its heading."""
        m = re.search(rf'id="{name}">.*?</section>', self.page.text, re.S)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", m.group(0))).split())
