"""A server on this machine that can be told to misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """What it offers, and what was asked of it."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)  # the connection is cut after so many bytes
    cut_once: dict[str, int] = field(default_factory=dict)  # the same, of the first answer alone
    busy: dict[str, int] = field(default_factory=dict)  # how often to answer with 503
    held: set[str] = field(default_factory=set)  # answered only after `let_go`
    let_go: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)


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
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: offer.cut_once.pop(self.path, offer.cut.get(self.path))])

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
