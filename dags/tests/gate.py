"""A way between Airflow and Ingest that can keep an answer back: Ingest has done what it was asked, unheard.

One connection carries one request, as the hook makes them, so what a connection begins with is the request's head.
"""

from __future__ import annotations

import re
import selectors
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 65_536
LOOKS = 0.05
"""Seconds between two looks at whether an answer may pass by now."""


class Gate:
    """Passes everything on to a port of the loopback, from a port of its own."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._held: re.Pattern[bytes] | None = None
        self._kept_back: list[bytes] = []
        self._closing = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @contextmanager
    def holding(self, head: bytes) -> Iterator[list[bytes]]:
        """Keeps back the answers to requests whose head matches, and gives the list of those that are kept back."""
        self._kept_back = []
        self._held = re.compile(head, re.DOTALL | re.IGNORECASE)
        try:
            yield self._kept_back
        finally:
            self._held = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                asking, _ = self._listening.accept()
                threading.Thread(target=self._pass_on, args=(asking,), daemon=True).start()

    def _pass_on(self, asking: socket.socket) -> None:
        with asking, suppress(OSError):  # either side is gone: so is the other
            behind = socket.create_connection(("127.0.0.1", self._behind))
            with behind, selectors.DefaultSelector() as both:
                both.register(asking, selectors.EVENT_READ)
                both.register(behind, selectors.EVENT_READ)
                head, answer = b"", b""
                while not self._closing:
                    for key, _ in both.select(LOOKS):
                        piece = key.fileobj.recv(PIECE)  # type: ignore[union-attr] # the two sockets
                        if not piece:
                            asking.sendall(b"" if self._keeps(head) else answer)
                            return
                        if key.fileobj is asking:
                            head += piece if b"\r\n\r\n" not in head else b""
                            behind.sendall(piece)
                        else:
                            if not answer and self._keeps(head):
                                self._kept_back.append(head)
                            answer += piece
                    if answer and not self._keeps(head):
                        asking.sendall(answer)
                        answer = b""

    def _keeps(self, head: bytes) -> bool:
        return self._held is not None and bool(self._held.match(head))
