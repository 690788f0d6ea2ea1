"""/metrics and /healthz: figures that add up, in a form that others read, for those who may."""

import re

import hands
import requests

LINE = re.compile(r'([a-z][a-z0-9_]*)(?:\{((?:[a-z_]+="[^"\\\n]*",?)*)\})? (-?[0-9.e+]+)')


def parse(text):
    """OpenMetrics, strictly: {(name, labels): value}."""
    assert text.endswith("\n# EOF\n")
    families, seen, family, kind = {}, {}, None, None
    for line in text.splitlines()[:-1]:
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family not in families and kind in ("gauge", "counter", "histogram"), line
            families[family] = kind
        elif line.startswith("# HELP "):
            assert line.split(" ")[2] == family and line.endswith("."), line
        else:
            m = LINE.fullmatch(line)
            assert m, line
            name, labels, value = m.groups()
            ends = {"gauge": ("",), "counter": ("_total",),
                    "histogram": ("_bucket", "_count", "_sum")}[kind]
            assert name in [family + e for e in ends], (line, family, kind)
            assert (name, labels) not in seen, line
            seen[name, labels] = float(value)
    return seen


def figures(house, **kw):
    r = house.get("/metrics", **kw)
    assert r.status_code == 200, r.text
    assert r.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    return parse(r.text)


def test_figures_add_up(fresh_house):
    house = fresh_house().start()
    before = figures(house)
    for _ in range(7):
        assert house.get("/api/models").status_code == 200
    house.get("/api/models/no/such")
    house.get("/nowhere/at/all/x/y")
    house.request("POST", "/api/repos/create", token="admin", json={"name": "m", "type": "model"})
    hands.publish(house, "admin/m", {"a.bin": hands.unexplained()})
    hands.decided(house, "admin/m")
    after = figures(house)
    models = 'method="GET",route="/api/:kinds",status="200"'
    assert after["weighhouse_http_requests_total", models] == 7
    assert after["weighhouse_http_request_seconds_count", 'method="GET",route="/api/:kinds"'] == 7
    assert after["weighhouse_http_requests_total", 'method="",route="",status="404"'] == 1
    strangers = 'method="GET",route="/api/:kinds/:ns/:repo",status="401"'
    assert after["weighhouse_http_requests_total", strangers] == 1
    for name in ("scans", "uploads", "register_cycles", "service_calls", "writer_commits"):
        key = f"weighhouse_{name}_total", None
        assert after[key] > before[key], name
    assert after["weighhouse_upload_bytes_total", None] > 2 << 20
    assert after["weighhouse_register_size", None] == hands.register_size(house)
    assert after["weighhouse_open_files", None] > 10
    assert after["weighhouse_loops", None] >= 1
    # buckets only grow to the right, and the last is the count
    buckets = [v for (n, labels), v in after.items()
               if n.endswith("_bucket") and labels.startswith('method="GET",route="/api/:kinds",')]
    assert buckets == sorted(buckets) and buckets[-1] == 7


def test_nothing_personal(fresh_house):
    house = fresh_house().start()
    token = hands.account(house, "personalname")
    house.request("POST", "/api/repos/create", token=token, json={"name": "secretrepo"})
    house.get("/api/models/personalname/secretrepo", token=token)
    house.get("/personalname/secretrepo/resolve/main/secretfile")
    text = house.get("/metrics").text
    for word in ("personalname", "secretrepo", "secretfile", "127.0.0.1", token):
        assert word not in text


def test_who_may_read(fresh_house):
    house = fresh_house().start()
    assert house.get("/metrics").status_code == 200
    # who comes through a proxy does not come from here
    for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert house.get("/metrics", headers={name: "1.2.3.4"}).status_code == 401
        assert house.get("/metrics", headers={name: ""}).status_code == 401
    ann = hands.account(house, "ann")
    forwarded = {"X-Forwarded-For": "1.2.3.4"}
    assert house.get("/metrics", token=ann, headers=forwarded).status_code == 403
    assert house.get("/metrics", token="admin", headers=forwarded).status_code == 200
    assert house.get("/metrics", token="hf_" + 40 * "x", headers=forwarded).status_code == 401


def test_healthz(fresh_house):
    house = fresh_house().start()
    r = requests.get(house.url + "/healthz", timeout=30)
    assert (r.status_code, r.json()) == (200, {"status": "ok"})
