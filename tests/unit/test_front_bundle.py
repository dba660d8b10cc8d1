"""The bundle of the panel is committed, so that nobody needs Node: it must be that of its sources."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import durable_nb

STATIC = Path(durable_nb.__file__).parent / "dashboard" / "static"
FRONT = Path(__file__).parents[2] / "extension"
BUNDLE = ("dashboard.css", "dashboard.js")
HOW = "run: cd extension && npm ci && npm run build"


def digest(folder: Path, names: list[str]) -> str:
    """As extension/build.mjs makes it."""
    whole = hashlib.sha256()
    for name in names:
        whole.update(f"{name}\0".encode())
        whole.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return whole.hexdigest()


def sources() -> list[str]:
    """What the bundle is made of."""
    found = [path for path in (FRONT / "src" / "dashboard").rglob("*") if ".test." not in path.name]
    names = [path.relative_to(FRONT).as_posix() for path in found if path.suffix in {".ts", ".tsx", ".css"}]
    return sorted([*names, "build.mjs", "package-lock.json", "tsconfig.json"])


def recorded() -> dict[str, str]:
    """What of → digest, as the build wrote it."""
    lines = (STATIC / "sources.sha256").read_text(encoding="utf-8").splitlines()
    return {what: value for value, what in (line.split() for line in lines)}


def test_the_bundle_is_built_from_the_sources_as_they_are() -> None:
    """A change of the front end without a build is found even where there is no Node."""
    if not FRONT.exists():
        pytest.skip("the sources of the front end are not here")

    assert digest(FRONT, sources()) == recorded()["sources"], HOW


def test_nobody_has_edited_the_bundle() -> None:
    """What is shipped is what was built."""
    assert digest(STATIC, list(BUNDLE)) == recorded()["bundle"], HOW


@pytest.mark.parametrize("name", BUNDLE)
def test_the_panel_asks_nothing_of_the_network(name: str) -> None:
    """It works offline: no font, style, script or image from elsewhere."""
    text = (STATIC / name).read_text(encoding="utf-8")
    addresses = {word for word in ("http://", "https://", "@import", "url(") if word in text}

    assert addresses <= {"http://"}
    assert text.count("http://") == text.count("http://www.w3.org/")
