"""What is pushed before the pages are looked at."""

import json

CARD = """---
license: apache-2.0
pipeline_tag: text-generation
tags: [small]
---
# {title}

A model to look at. See [its settings](config.json) and <https://example.org/>.

<script>alert(1)</script>

| figure | value |
|---|---:|
| layers | 2 |

```python
print("hello")
```
"""


def safetensors(shape, dtype="I8", size=1):
    """One tensor of zeros."""
    n = size
    for s in shape:
        n *= s
    header = json.dumps({"w": {"dtype": dtype, "shape": list(shape), "data_offsets": [0, n]}},
                        separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + b"\0" * n


def _repo(api, repo, kind, folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    kw = {"space_sdk": "static"} if kind == "space" else {}
    api.create_repo(repo, repo_type=kind, **kw)
    api.upload_folder(repo_id=repo, repo_type=kind, folder_path=folder)


def push(house, home):
    """An open and a held model, a dataset, an app."""
    api = house.api()
    config = json.dumps({"model_type": "bert", "num_hidden_layers": 2}, indent=2)
    _repo(api, "admin/small", "model", home / "small", {
        "README.md": CARD.format(title="Small"), "config.json": config,
        # a large file that is no weights, before the weights in the order of names
        "a.json": '{"x": "' + "y" * 200_000 + '"}',
        "sub dir/notes.txt": "first\nsecond <b>line</b>\n",
        "model.safetensors": safetensors((500, 64), "F32", 4)})
    _repo(api, "admin/large", "model", home / "large", {
        "README.md": CARD.format(title="Large"), "config.json": config,
        "model.safetensors": safetensors((10_500, 10_000))})
    _repo(api, "admin/ships", "dataset", home / "ships", {
        "README.md": "---\nlicense: cc0-1.0\n---\n# Ships\n\nArrivals, one row each.\n",
        "train.csv": "ship,arrived\n" + "Anna,1751-04-02\n" * 200})
    _repo(api, "admin/crane", "space", home / "crane", {
        "README.md": "---\nsdk: static\n---\n# Crane\n",
        "index.html": "<!doctype html><title>x</title><p>hello"})
