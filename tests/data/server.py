"""A server on this machine that can be told to misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """What it offers, and what was asked of it."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)  # the connection is cut after so many bytes
    busy: dict[str, int] = field(default_factory=dict)  # how often to answer with 503
    tags: bool = False  # send an ETag, the SHA-256 of the content
    ranges: bool = False  # send the part that is asked for
    careless: bool = False  # a part of whatever is there now, without a look at If-Range
    held: set[str] = field(default_factory=set)  # answered only after `let_go`
    let_go: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)  # bytes of content, per answer that has some


@contextmanager
def serve() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            offer.asked.append(self.path)
            if self.path in offer.held:
                offer.let_go.wait()
            content = offer.files.get(self.path)
            if offer.busy.get(self.path, 0) > 0:
                offer.busy[self.path] -= 1
                self.send_error(503)
                return
            if content is None:
                self.send_error(404)
                return
            tag = f'"{sha256(content).hexdigest()}"'
            start, total = self.start(tag), len(content)
            if start >= total > 0:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            if offer.tags:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(total - start))
            body = content[start:][: offer.cut.get(self.path)]
            offer.sent.append(len(body))  # before a byte leaves: the next request may follow it
            self.end_headers()
            self.wfile.write(body)

        def start(self, tag: str) -> int:
            """Return the first byte that is asked for, of this content."""
            wanted = self.headers.get("Range")
            same = offer.careless or self.headers.get("If-Range") in (None, tag)
            if not (offer.ranges and wanted and same):
                return 0
            return int(wanted.removeprefix("bytes=").removesuffix("-"))

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        offer = Server(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield offer
        finally:
            offer.let_go.set()
            http.shutdown()
            thread.join()
