"""A small Hugging Face hub on 127.0.0.1: one dataset at one commit, as huggingface_hub and `datasets` ask for it.

Routes: https://huggingface.co/docs/hub/api (datasets, tree, paths-info) and /datasets/ID/resolve/REVISION/PATH.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34


@contextmanager
def serving(folder: Path, hub_id: str) -> Iterator[tuple[str, list[str]]]:
    """Serve `folder` as the dataset `hub_id`; yields the endpoint and the list of requests, which grows."""
    seen: list[str] = []

    class Handler(_Handler):
        root, name, requests = folder, hub_id, seen

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    root: Path
    name: str
    requests: list[str]

    def log_message(self, *args: object) -> None:
        """Nothing on the terminal."""

    def do_HEAD(self) -> None:  # the standard library's name
        self.answer()

    do_GET = do_HEAD  # noqa: N815

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        paths = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body)["paths"]
        self.requests.append(f"POST {self.path}")
        self.send_json([entry for entry in self.entries() if entry["path"] in paths])

    def answer(self) -> None:
        self.requests.append(f"{self.command} {self.path}")
        path = unquote(urlsplit(self.path).path)
        api, files = f"/api/datasets/{self.name}", f"/datasets/{self.name}/resolve/"
        if path in (api, f"{api}/revision/main", f"{api}/revision/{COMMIT}"):
            self.send_json({"id": self.name, "sha": COMMIT, "siblings": [], "private": False, "tags": []})
        elif path.startswith(f"{api}/tree/{COMMIT}"):
            self.send_tree(path.removeprefix(f"{api}/tree/{COMMIT}").strip("/"))
        elif path.startswith(files):
            self.send_file(path.removeprefix(files))
        else:
            self.send_nothing("RevisionNotFound" if "/revision/" in path else "RepoNotFound")

    def entries(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for path in sorted(self.root.rglob("*")):
            kind = "directory" if path.is_dir() else "file"
            size = 0 if path.is_dir() else path.stat().st_size
            found.append({"type": kind, "path": str(path.relative_to(self.root)), "size": size, "oid": "0" * 40})
        return found

    def send_tree(self, under: str) -> None:
        recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() in ("true", "1")
        inside = [entry for entry in self.entries() if str(entry["path"]).startswith(f"{under}/" if under else "")]
        if not inside and under:
            self.send_nothing("EntryNotFound")
        else:
            level = under.count("/") + (under != "")
            self.send_json([entry for entry in inside if recursive or str(entry["path"]).count("/") == level])

    def send_file(self, place: str) -> None:
        revision, _, inside = place.partition("/")
        file = self.root / inside
        if revision not in ("main", COMMIT):
            self.send_nothing("RevisionNotFound")
        elif not file.is_file():
            self.send_nothing("EntryNotFound")
        else:
            self.send_bytes(file.read_bytes())

    def send_bytes(self, content: bytes) -> None:
        total, wanted = len(content), self.headers.get("Range")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else total - int(last)
            stop = min(int(last) + 1, total) if first and last else total
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{total}")
            part = content[start:stop]
        else:
            self.send_response(200)
            part = content
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_body(part)

    def send_json(self, value: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_body(json.dumps(value).encode())

    def send_nothing(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_body(b"")

    def send_body(self, content: bytes) -> None:
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
