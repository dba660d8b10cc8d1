"""Record what a step shows while it is shown, as nbformat outputs, and show it again.

In a kernel the messages are recorded as they are sent, so the record has the order that the notebook has.
In a plain IPython the streams are recorded as they are written.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from durable_nb.kernel.secret_values import SECRETS

Message = Mapping[str, Any]


class Record:
    """nbformat outputs in their order; clear_output, updates and carriage returns are folded in."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self.unshown = ""
        """The error that kept something from being shown; the cell itself goes on after it."""
        self._clear_next = False
        self._lock = threading.Lock()

    def add(self, kind: str, content: Mapping[str, Any]) -> None:
        """Take in one message of an IOPub type such as ``stream`` or ``display_data``."""
        with self._lock:
            if kind == "clear_output":
                self._clear_next = bool(content.get("wait"))
                if not self._clear_next:
                    self.outputs.clear()
                return
            if kind == "update_display_data":
                self._update(content)
                return
            if self._clear_next:
                self._clear_next = False
                self.outputs.clear()
            if kind == "stream":
                self._stream(content["name"], content["text"])
            elif kind in {"display_data", "execute_result"}:
                self.outputs.append(_bundle(kind, content))

    def _stream(self, name: str, text: str) -> None:
        last = self.outputs[-1] if self.outputs else None
        if last is not None and last["output_type"] == "stream" and last["name"] == name:
            text = last["text"] + text
            self.outputs.pop()
        self.outputs.append({"output_type": "stream", "name": name, "text": _fold(text)})

    def _update(self, content: Mapping[str, Any]) -> None:
        display_id = content.get("transient", {}).get("display_id")
        for output in self.outputs:
            if display_id is not None and output.get("transient", {}).get("display_id") == display_id:
                output["data"] = content["data"]
                output["metadata"] = content["metadata"]


def _bundle(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    output = {"output_type": kind, "data": dict(content["data"]), "metadata": dict(content["metadata"] or {})}
    if kind == "display_data" and content.get("transient"):
        output["transient"] = dict(content["transient"])
    return output


def _fold(text: str) -> str:
    """Text after its carriage returns: a progress bar is its last state."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    folded = [_overwritten(line) for line in lines[:-1]]
    # The last line goes on: a trailing return must still be there for what overwrites it.
    tail = lines[-1]
    return "\n".join([*folded, _overwritten(tail) + ("\r" if tail.endswith("\r") else "")])


def _overwritten(line: str) -> str:
    shown = ""
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown


@contextmanager
def recording(shell: InteractiveShell) -> Iterator[Record]:
    """Record everything the shell shows inside the block; it is shown as usual."""
    record = Record()
    tap = _kernel_tap if hasattr(shell.display_pub, "register_hook") else _terminal_tap
    with tap(shell, record), _noticing_errors(shell, record):
        yield record


@contextmanager
def _noticing_errors(shell: Any, record: Record) -> Iterator[None]:
    """IPython shows what a value's own ``__repr__`` raises, by a message of its own, and fails nothing."""
    before = vars(shell).get("showtraceback")
    show = shell.showtraceback

    def show_and_note(*args: Any, **kwargs: Any) -> Any:
        record.unshown = repr(sys.exception())
        return show(*args, **kwargs)

    shell.showtraceback = show_and_note
    try:
        yield
    finally:
        del shell.showtraceback
        if before is not None:
            shell.showtraceback = before


@contextmanager
def _kernel_tap(shell: Any, record: Record) -> Iterator[None]:
    cell = shell.display_pub.parent_header.get("msg_id")

    def hook(message: Message) -> Message:
        if message["parent_header"].get("msg_id") == cell:
            record.add(message["header"]["msg_type"], message["content"])
        return message

    streams: list[Any] = [s for s in (sys.stdout, sys.stderr) if hasattr(s, "register_hook")]
    for stream in streams:
        _in_sending_thread(stream, stream.register_hook, hook)
    shell.display_pub.register_hook(hook)
    shell.displayhook.register_hook(hook)
    try:
        yield
    finally:
        _flush()
        shell.displayhook.unregister_hook(hook)
        shell.display_pub.unregister_hook(hook)
        for stream in streams:
            _in_sending_thread(stream, stream.unregister_hook, hook)


def _in_sending_thread(stream: Any, call: Any, hook: Any) -> None:
    """Stream hooks belong to the thread that sends; its queue keeps the order of calls."""
    stream.pub_thread.schedule(lambda: call(hook))


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


class _Tee(io.TextIOBase):
    """Passes text on to a stream and into a record; keeps passing it on when the record is closed."""

    def __init__(self, stream: Any, name: str, record: Record) -> None:
        self._stream = stream
        self._name = name
        self.record: Record | None = record

    def write(self, text: str) -> int:
        if self.record is not None:
            self.record.add("stream", {"name": self._name, "text": text})
        self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    def fileno(self) -> int:
        return int(self._stream.fileno())

    @property
    def encoding(self) -> Any:  # type: ignore[override]
        return self._stream.encoding  # None where the stream takes text and nothing else


@contextmanager
def _terminal_tap(shell: Any, record: Record) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    tees = _Tee(sys.stdout, "stdout", record), _Tee(sys.stderr, "stderr", record)
    sys.stdout, sys.stderr = tees
    hook, publisher = shell.displayhook, shell.display_pub
    write_format_data, publish = hook.write_format_data, publisher.publish

    def write_result(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        with _paused(tees):
            write_format_data(data, metadata)
        record.add("execute_result", {"data": data, "metadata": metadata})

    def publish_display(data: dict[str, Any], metadata: dict[str, Any] | None = None, **more: Any) -> None:
        with _paused(tees):
            publish(data, metadata, **more)
        kind = "update_display_data" if more.get("update") else "display_data"
        record.add(kind, {"data": data, "metadata": metadata, "transient": more.get("transient") or {}})

    replaced = {
        "write_format_data": write_result,
        "write_output_prompt": _unrecorded(tees, hook.write_output_prompt),
        "finish_displayhook": _unrecorded(tees, hook.finish_displayhook),
    }
    for name, function in replaced.items():
        setattr(hook, name, function)
    publisher.publish = publish_display
    try:
        yield
    finally:
        for name in replaced:
            delattr(hook, name)
        del publisher.publish
        sys.stdout, sys.stderr = before
        for tee in tees:
            tee.record = None


def _unrecorded(tees: tuple[_Tee, ...], write: Callable[[], None]) -> Callable[[], None]:
    """The prompt "Out[3]: " and the line end after a result belong to the terminal, not to the result."""

    def write_unrecorded() -> None:
        with _paused(tees):
            write()

    return write_unrecorded


@contextmanager
def _paused(tees: tuple[_Tee, ...]) -> Iterator[None]:
    records = [tee.record for tee in tees]
    for tee in tees:
        tee.record = None
    try:
        yield
    finally:
        for tee, record in zip(tees, records, strict=True):
            tee.record = record


def show_line(shell: Any, bundle: dict[str, Any], display_id: str = "", *, again: bool = False) -> bool:
    """Publish a bundle that follows everything recorded or shown again.

    Those have flushed the streams already. The publisher would flush them once more, and each flush waits for
    another thread: that would be the better part of what a reused step costs.

    Args:
        shell: Where the cell runs.
        bundle: MIME type → content.
        display_id: Under which the line can be changed; empty where it stays.
        again: In place of what was shown under that id; where nothing was, only an engine sees it.

    Returns:
        Whether lines can be changed here; in a terminal they cannot.
    """
    bundle = SECRETS.masked(bundle)
    publisher = shell.display_pub
    session = getattr(publisher, "session", None)
    transient = {"display_id": display_id} if display_id else {}
    if session is None:
        if not again:
            publisher.publish(bundle, {})
        return False
    content = {"data": bundle, "metadata": {}, "transient": transient}
    session.send(
        publisher.pub_socket,
        "update_display_data" if again else "display_data",
        content,
        parent=publisher.parent_header,
        ident=publisher.topic,
    )
    return True


def show_again(shell: InteractiveShell, outputs: tuple[Mapping[str, Any], ...]) -> None:
    """Publish recorded outputs in their order, as the cell that runs now."""
    for output in outputs:
        if output["output_type"] == "stream":
            stream = sys.stdout if output["name"] == "stdout" else sys.stderr
            stream.write(output["text"])
            stream.flush()
        elif output["output_type"] == "display_data":
            shell.display_pub.publish(
                dict(output["data"]), dict(output["metadata"]), transient=output.get("transient") or None
            )
        else:
            _show_result(shell.displayhook, dict(output["data"]), dict(output["metadata"]))


def _show_result(hook: Any, data: dict[str, Any], metadata: dict[str, Any]) -> None:
    hook.start_displayhook()
    hook.write_output_prompt()
    hook.write_format_data(data, metadata)
    hook.finish_displayhook()
