"""A real S3 server on this machine, moto's, that can also be told to say "slow down"."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

SECRET = "a-secret-that-must-not-be-written-anywhere"


class S3Server:
    """Serves S3 on a free port of 127.0.0.1 until `stop`.

    `troubles` is how many further requests that `troubled` picks get a 503; `seen` counts
    requests by what they are.
    """

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        self.app = DomainDispatcherApplication(create_backend_app)
        self.troubles = 0
        self.troubled: Callable[[dict[str, Any]], bool] = lambda environ: True
        self.seen: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.address = f"http://127.0.0.1:{self.server.port}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        kind = f"{environ['REQUEST_METHOD']} {_what(environ.get('QUERY_STRING', ''))}".strip()
        with self._counting:
            self.seen[kind] += 1
            in_trouble = self.troubles > 0 and self.troubled(environ)
            self.troubles -= in_trouble
        if in_trouble:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>"]
        answer: Iterable[bytes] = self.app(environ, start_response)
        return answer

    def stop(self) -> None:
        """End the server and wait until it has."""
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def _what(query: str) -> str:
    for word in ("uploadId", "uploads", "list-type"):
        if word in query:
            return word
    return ""
