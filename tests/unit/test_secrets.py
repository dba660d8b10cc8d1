"""Which names are secret, and text without secrets."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest

from durable_nb.core.model import Dependency, DependencyKind, EventKind, StepEvent
from durable_nb.core.secrets import MaskedStream, Secrets, looks_secret

KEY = 'S3CR"ET/<val>'


@pytest.mark.parametrize(
    "name",
    ["token", "api_key", "apikey", "API_TOKEN", "password", "db_passwd", "PWD", "secret", "private_key",
     "access_tokens", "credentials", "github_token", "openai_secret_token_id"],
)  # fmt: skip
def test_secret_names(name: str) -> None:
    """What is called like a password or a key is one."""
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["day", "max_tokens", "tokenizer", "tokens", "token_count", "max_new_tokens", "eos_token", "token_ids",
     "tokenise", "is_private", "monkey", "passenger"],
)  # fmt: skip
def test_other_names(name: str) -> None:
    """What language models call tokens is no secret."""
    assert not looks_secret(name)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"Bearer {KEY}!",
        repr(f"a{KEY}b"),
        json.dumps({"a": KEY}),
        json.dumps({"a": json.dumps({"b": KEY})}),
        html.escape(KEY),
        f"https://x.org/?k={quote(KEY, safe='')}",
    ],
)
def test_masked_however_written(text: str) -> None:
    """A secret is found as it stands in code, JSON, HTML and addresses."""
    found = Secrets({"k": KEY}).mask(text)

    assert "[secret]" in found
    assert "S3CR" not in found


def test_short_secrets_are_masked_by_themselves() -> None:
    """A short one is masked where it stands alone: a "1" is in many numbers."""
    found = Secrets({"pin": 4711}).mask("pin 4711, '4711', 147113")

    assert found == "pin [secret], '[secret]', 147113"


def test_parts_of_secrets() -> None:
    """What is in a container is secret, and each line of a long text."""
    secrets = Secrets(
        {"login": {"user": "somebody", "words": ["hunter22", 7]}, "pem": "--BEGIN\nabcdefghij\n--"}
    )

    assert "[secret] [secret] [secret]" == secrets.mask("somebody hunter22 abcdefghij")


@pytest.mark.parametrize("value", ["", None, True, [], "  "])
def test_nothing_to_mask(value: object) -> None:
    """What holds no text is no secret that could be told."""
    secrets = Secrets({"k": value})

    assert not secrets
    assert "True None" == secrets.mask("True None")


def test_values_replaced_stay_secret() -> None:
    """A parameter that gets another value may still have the first one somewhere."""
    secrets = Secrets({"k": "first-one"})
    secrets.add("k", "second-one")

    assert "[secret] [secret]" == secrets.mask("first-one second-one")


@pytest.mark.parametrize("size", range(1, 12))
def test_secrets_that_come_in_pieces(size: int) -> None:
    """A secret that is cut in two by how text arrives is masked, and nothing else is lost."""
    text = f"a {KEY} b {KEY[:4]}\n"
    stream = MaskedStream(Secrets({"k": KEY}))

    pieces = [stream.take(text[start : start + size]) for start in range(0, len(text), size)]

    assert f"a [secret] b {KEY[:4]}\n" == "".join([*pieces, stream.rest()])


def test_records_are_still_found() -> None:
    """What records are found by stays, though it be called like a secret; what it was given does not."""
    dependency = Dependency(DependencyKind.VALUE, "password", "f" * 32, "'password'")
    data = {"notebook": "/password/x.ipynb", "error": {"message": "no password", "id": "password"}}
    event = StepEvent(EventKind.STEP_DECLARED, "password", 0.0, "password", 1, data)
    secrets = Secrets({"password": "password"})

    masked, kept = secrets.masked(event), secrets.masked(dependency)

    assert ("password", "password", "/password/x.ipynb") == (
        masked.run_id,
        masked.step,
        masked.data["notebook"],
    )
    assert {"message": "no [secret]", "id": "[secret]"} == masked.data["error"]
    assert ("password", "'[secret]'") == (kept.name, kept.summary)
