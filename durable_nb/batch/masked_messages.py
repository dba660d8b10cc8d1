"""A kernel's messages without secrets, wherever a secret is cut in two by how text arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from durable_nb.core.protocol import SECRETS_MIME
from durable_nb.core.secrets import MaskedStream, Secrets

Message = dict[str, Any]


class MaskedMessages:
    """Masks what a kernel sends, before anything of it is shown, logged or written.

    Args:
        secrets: Grows by those that the kernel tells of.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._streams: dict[str, tuple[MaskedStream, Message]] = {}
        """Stream → its text that waits, and the message that it came with."""

    def take(self, message: Message) -> Iterator[Message]:
        """The messages to go on with, in their order; none where it was meant for this alone."""
        told = _told(message)
        if told is not None:
            for name, value in told.items():
                self._secrets.add(name, value)
        elif not self._secrets:
            yield message
        elif message["msg_type"] == "stream":
            yield from self._piece(message)
        else:
            yield from self.rest()
            yield self.masked(message)

    def masked(self, message: Message) -> Message:
        """A message that is whole."""
        return {**message, "content": self._secrets.masked(message["content"])}

    def rest(self) -> Iterator[Message]:
        """What waits of streams, when something else comes or nothing more."""
        streams, self._streams = self._streams, {}
        for stream, message in streams.values():
            yield from _with_text(message, stream.rest())

    def _piece(self, message: Message) -> Iterator[Message]:
        name = message["content"]["name"]
        if name not in self._streams:
            yield from self.rest()
        stream, _ = self._streams.get(name, (MaskedStream(self._secrets), message))
        self._streams[name] = (stream, message)
        yield from _with_text(message, stream.take(message["content"]["text"]))


def _with_text(message: Message, text: str) -> Iterator[Message]:
    if text:
        yield {**message, "content": {**message["content"], "text": text}}


def _told(message: Message) -> Mapping[str, Any] | None:
    data = message["content"].get("data")
    told = data.get(SECRETS_MIME) if isinstance(data, dict) else None
    return told if isinstance(told, dict) else None
