"""What the interpreter itself says about files, folders, processes and connections: its audit events."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from durable_nb.core.places import Aspect
from durable_nb.kernel.depending.observing.commands import command_reads
from durable_nb.kernel.depending.observing.current import observed_now, unobserved
from durable_nb.kernel.depending.observing.observed import Observed
from durable_nb.kernel.depending.observing.origins import is_source_reader, is_users_code, reads_source

_WRITING = frozenset("wax+")
_LOCAL = re.compile(r"localhost|127\..*|::1|0\.0\.0\.0")
_PATTERNED = {"glob": None, "pathlib": "_scandir", "pathlib._local": "_scandir"}
"""Module → its function that lists folders on behalf of a pattern, which says enough; None: any of them."""

Handler = Callable[[Observed, tuple[Any, ...], FrameType | None], None]

_installed = False


def install() -> None:
    """Add the audit hook, once per process: Python offers no way to take one out again."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    handler = _HANDLERS.get(event)
    if handler is None:
        return
    observed = observed_now()
    if observed is not None:
        with unobserved():  # the look at a file must not be seen as the step's
            handler(observed, args, sys._getframe(1))


def _text(path: object) -> str | None:
    """A path as text; None for a file descriptor and for what is no path."""
    if isinstance(path, str | bytes | os.PathLike):
        return os.fsdecode(path)
    return None


def _open(observed: Observed, args: tuple[Any, ...], frame: FrameType | None) -> None:
    path, mode, flags = args
    text = _text(path)
    if text is not None and not reads_source(text, frame):
        observed.opened(text, writing=_is_writing(mode, flags))


def _is_writing(mode: str | None, flags: int | None) -> bool:
    if mode is not None:
        return bool(_WRITING & set(mode)) and mode.replace("b", "").replace("t", "") != "r+"
    return bool((flags or 0) & (os.O_WRONLY | os.O_CREAT | os.O_TRUNC))


def _scanned(observed: Observed, args: tuple[Any, ...], frame: FrameType | None) -> None:
    if frame is not None and not _is_for_another_reason(frame):
        # Only who has the entries in hand can ask them for their sizes.
        users = is_users_code(frame.f_code.co_filename)
        _note_listing(observed, args[0], frame, Aspect.SIZES if users else Aspect.LIST)


def _listed(observed: Observed, args: tuple[Any, ...], frame: FrameType | None) -> None:
    if frame is not None and not _is_for_another_reason(frame):
        _note_listing(observed, args[0], frame, Aspect.LIST)


def _note_listing(observed: Observed, folder: object, frame: FrameType, aspect: Aspect) -> None:
    path = os.curdir if folder is None else _text(folder) or _path_of(folder, frame)
    if path is not None:
        observed.asked(aspect, path)


def _is_for_another_reason(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__")
    if module not in _PATTERNED:
        return is_source_reader(frame)
    return _PATTERNED[module] in {None, frame.f_code.co_name}


def _path_of(descriptor: object, frame: FrameType) -> str | None:
    """The folder behind a descriptor; shutil lists by descriptor what it removes."""
    if not isinstance(descriptor, int) or frame.f_globals.get("__name__") == "shutil":
        return None
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None


def _globbed(observed: Observed, args: tuple[Any, ...], frame: FrameType | None) -> None:
    pattern, _, root, _ = args
    text, base = _text(pattern), os.getcwd() if root is None else _text(root)
    if text is None or base is None:
        return
    hidden = frame is not None and bool(frame.f_locals.get("include_hidden"))
    observed.asked(
        Aspect.ALL_NAMES if hidden else Aspect.NAMES, os.path.join(glob.escape(os.path.abspath(base)), text)
    )


def _path_globbed(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    base, pattern = _text(args[0]), _text(args[1])
    if base is not None and pattern is not None:
        observed.asked(Aspect.ALL_NAMES, os.path.join(glob.escape(os.path.abspath(base)), pattern))


def _path_globbed_below(observed: Observed, args: tuple[Any, ...], frame: FrameType | None) -> None:
    pattern = _text(args[1])
    if pattern is not None:
        _path_globbed(observed, (args[0], os.path.join("**", pattern)), frame)


def _process(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    command_reads(observed, args[1], _text(args[2]))


def _shell_command(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    command_reads(observed, args[0], None)


def _spawned(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    command_reads(observed, args[-2], None)  # … path, arguments, environment


def _went_elsewhere(observed: Observed, _: tuple[Any, ...], __: FrameType | None) -> None:
    observed.questions.clear()


def _made_folder(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    path = _text(args[0])
    if path is not None and not os.path.exists(path):  # else the call fails
        observed.wrote(path, folder=True)


def _removed_folder(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    path = _text(args[0])
    if path is not None and os.path.isdir(path):
        observed.wrote(path, folder=True)


def _changed(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    path = _text(args[0])
    if path is not None:
        observed.wrote(path)


def _renamed(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    source, target = _text(args[0]), _text(args[1])
    if source is not None and target is not None and os.path.lexists(source):
        observed.moved(source, target)


def _linked(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    source, target = _text(args[0]), _text(args[1])
    if source is not None and target is not None:
        observed.opened(source, writing=False)
        observed.wrote(target)


def _database(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    path = _text(args[0])
    if path and path != ":memory:":
        in_a_url = path.startswith("file:")
        observed.opens_database(path.removeprefix("file:").partition("?")[0] if in_a_url else path)


def _library(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    path = _text(args[0])
    if path is not None and os.sep in path:  # else the system's loader searches its own folders
        observed.opened(path, writing=False)


def _imported(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    observed.imported(args[0], by_user=False)


def _connected(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    address = args[1]
    # Parts of one program talk to each other over the machine's own address.
    if isinstance(address, tuple) and not _LOCAL.fullmatch(str(address[0])):
        observed.reads_remote(str(address[0]))


def _http(observed: Observed, args: tuple[Any, ...], _: FrameType | None) -> None:
    observed.reads_remote(f"{args[1]}:{args[2]}" if args[2] else str(args[1]))


_HANDLERS: Mapping[str, Handler] = {
    "ctypes.dlopen": _library,
    "glob.glob/2": _globbed,
    "http.client.connect": _http,
    "import": _imported,
    "open": _open,
    "os.chdir": _went_elsewhere,
    "os.link": _linked,
    "os.listdir": _listed,
    "os.mkdir": _made_folder,
    "os.posix_spawn": _spawned,
    "os.remove": _changed,
    "os.rename": _renamed,
    "os.rmdir": _removed_folder,
    "os.scandir": _scanned,
    "os.spawn": _spawned,
    "os.system": _shell_command,
    "os.truncate": _changed,
    "pathlib.Path.glob": _path_globbed,
    "pathlib.Path.rglob": _path_globbed_below,
    "pty.spawn": _shell_command,
    "shutil.rmtree": _removed_folder,
    "socket.connect": _connected,
    "sqlite3.connect": _database,
    "subprocess.Popen": _process,
}
