"""Runs come back as they were; anything else is refused, never believed."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mkdocs_fathom.model import Artifact, CellResult, Dependency, Run
from mkdocs_fathom.store import codec
from mkdocs_fathom.store.codec import DamagedError, OtherFormatError, decode, decode_latest, encode, seal, unseal

DIGEST = hashlib.sha256(b"weights").hexdigest()
OUTPUTS = (
    {"output_type": "stream", "name": "stdout", "text": "hello 🎨\n"},
    {"output_type": "stream", "name": "stderr", "text": ""},
    {"output_type": "execute_result", "execution_count": None, "data": {"text/plain": "1"}, "metadata": {}},
    {
        "output_type": "display_data",
        "data": {"image/svg+xml": "<svg/>", "application/json": {"a": [1, 2.5, None, True]}},
        "metadata": {"image/svg+xml": {"isolated": True}},
    },
    {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]},
)
RUN = Run(
    chapter="docs/a.md",
    depth="DEEP",
    results=(CellResult(0, OUTPUTS, 0.25), CellResult(3, (), 0.0)),
    artifacts=(Artifact("weights.npz", DIGEST, 7), Artifact("plots/loss.svg", DIGEST, 7)),
    dependencies=(
        Dependency("file", "snippets/gpt.py", DIGEST),
        Dependency("directory", "data", "absent"),
        Dependency("distribution", "numpy", "2.4.5"),
        Dependency("artifact", "docs/05.md#w.npz", DIGEST),
        Dependency("line", "3", "docs/a.md:7"),
    ),
    seconds=1.5,
)
PAYLOAD = json.loads(json.dumps(encode(RUN)))


def test_a_run_comes_back_as_it_was() -> None:
    assert decode(unseal(seal(encode(RUN), "name"), "name")) == RUN


def test_whether_a_run_was_cached_is_not_kept() -> None:
    assert encode(dataclasses.replace(RUN, cached=True)) == encode(RUN)


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "stream", "name": "stdout", "text": b"bytes"},
        {"output_type": "stream", "name": "stdout", "text": "\ud800"},
        {"output_type": "display_data", "data": {"application/json": float("nan")}, "metadata": {}},
        {"output_type": "display_data", "data": {"application/json": (1, 2)}, "metadata": {}},
    ],
)
def test_what_could_not_come_back_is_refused_at_once(output: dict[str, Any]) -> None:
    with pytest.raises(DamagedError):
        encode(dataclasses.replace(RUN, results=(CellResult(0, (output,), 0.0),)))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value within a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def put(path: tuple[Any, ...], new: Any) -> Any:
    """The payload with the value at one place replaced, or removed where `new` is `...`."""
    if not path:
        return new
    payload = copy.deepcopy(PAYLOAD)
    parent = payload
    for key in path[:-1]:
        parent = parent[key]
    if new is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return payload


FREE = {"metadata", "application/json"}  # any JSON may stand below these
STRICT = [path for path in places(PAYLOAD) if not FREE & set(path)]


RIGHT = {("execution_count", None), ("seconds", 1.5)}  # where these values are as good as those they replace
WRONG = [
    (path, new)
    for path in STRICT
    for new in (None, True, -1, 1.5, "\ud800", [None], {"x": None})
    if not any(path[-1:] == (key,) and new == value for key, value in RIGHT)
]


@pytest.mark.parametrize(("path", "new"), WRONG, ids=repr)
def test_a_value_of_another_type_is_refused(path: tuple[Any, ...], new: Any) -> None:
    with pytest.raises(DamagedError):
        decode(put(path, new))


NAMED = [path for path in STRICT if path and isinstance(path[-1], str) and path[-2:-1] != ("data",)]


@pytest.mark.parametrize("path", NAMED, ids=str)
def test_a_missing_key_is_refused(path: tuple[Any, ...]) -> None:
    with pytest.raises(DamagedError):
        decode(put(path, ...))


@pytest.mark.parametrize(
    "path", [(), ("results", 0), ("results", 0, "outputs", 0), ("artifacts", 0), ("dependencies", 0)], ids=str
)
def test_an_unknown_key_is_refused(path: tuple[Any, ...]) -> None:
    with pytest.raises(DamagedError):
        decode(put((*path, "extra"), 1))


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/../x", "/etc/passwd", "//x", "a//b", "a/", "./a", "a\\b", "C:/x", "c:x"),
        *("nul\0", "a/..", "plots", "plots/loss.svg/x", "plots/loss.svg"),
    ],
)
def test_the_name_of_an_artifact_stays_in_its_folder_and_apart(name: str) -> None:
    with pytest.raises(DamagedError):
        decode(put(("artifacts", 0, "name"), name))


@pytest.mark.parametrize("digest", ["", DIGEST[:-1], DIGEST + "0", DIGEST.upper(), DIGEST + "\n", "../" + DIGEST[3:]])
def test_a_digest_is_a_digest(digest: str) -> None:
    with pytest.raises(DamagedError):
        decode(put(("artifacts", 0, "digest"), digest))
    with pytest.raises(DamagedError):
        decode_latest({"key": DIGEST, "manifest": digest, "components": {}, "ran": 1.5})


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (("results", 1, "number"), 0),
        (("results", 0, "number"), 4),
        (("results", 1, "number"), 2**63),
        (("results", 0, "seconds"), float("inf")),
        (("results", 0, "outputs", 0, "name"), "stdin"),
        (("results", 0, "outputs", 0, "output_type"), "update_display_data"),
        (("results", 0, "outputs", 3, "data", "text/html"), {"a": 1}),
        (("results", 0, "outputs", 3, "metadata"), {"a": "\ud800"}),
        (("results", 0, "outputs", 3, "metadata"), {"\ud800": 1}),
        (("results", 0, "outputs", 3, "metadata"), {"a": float("inf")}),
        (("dependencies", 0, "kind"), "command"),
    ],
)
def test_a_value_out_of_range_is_refused(path: tuple[Any, ...], new: Any) -> None:
    with pytest.raises(DamagedError):
        decode(put(path, new))


def test_deep_nesting_is_refused() -> None:
    nested: Any = []
    for _ in range(100):
        nested = [nested]
    with pytest.raises(DamagedError):
        decode(put(("results", 0, "outputs", 3, "metadata"), {"a": nested}))
    with pytest.raises(DamagedError):
        unseal(resealed(b"[" * 100_000), "name")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(list(places(PAYLOAD))), JSON_VALUES)
def test_no_payload_does_worse_than_being_refused(path: tuple[Any, ...], new: Any) -> None:
    """What is accepted can be stored again and means the same."""
    try:
        run = decode(put(path, new))
    except DamagedError:
        return
    assert decode(unseal(seal(encode(run), "name"), "name")) == run


def resealed(body: bytes) -> bytes:
    """Any bytes with a right header."""
    checksum = hashlib.sha256(b"name\n" + body).hexdigest()
    return f"fathom {codec.FORMAT} {checksum}\n".encode() + body


def test_the_header_is_right_in_these_tests() -> None:
    assert resealed(b'{"a":1}') == seal({"a": 1}, "name")


@pytest.mark.parametrize("body", [b"", b"1", b"[]", b"null", b"{", b'{"a":NaN}', b"\xff", b"9" * 5000, b'{"a":1}x'])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(DamagedError):
        unseal(resealed(body), "name")


def test_a_truncated_entry_is_refused() -> None:
    data = seal(encode(RUN), "name")
    for length in range(len(data)):
        with pytest.raises(DamagedError):
            unseal(data[:length], "name")


def test_a_flipped_bit_is_noticed() -> None:
    data = seal({"a": "b"}, "name")
    for position in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises((DamagedError, OtherFormatError)):
            unseal(bytes(flipped), "name")


def test_an_entry_under_another_name_is_refused() -> None:
    with pytest.raises(DamagedError):
        unseal(seal(encode(RUN), "name"), "another")


def test_another_format_is_told_apart() -> None:
    data = seal({}, "name").replace(b"fathom 2 ", b"fathom 3 ")
    with pytest.raises(OtherFormatError):
        unseal(data, "name")


def test_latest_comes_back_checked() -> None:
    payload = {"key": DIGEST, "manifest": DIGEST, "components": {"python": "3"}, "ran": 1.5}
    assert decode_latest(payload) == (DIGEST, DIGEST, {"python": "3"}, 1.5)
    for wrong in (
        {},
        {**payload, "x": 1},
        {**payload, "components": {"a": 1}},
        {**payload, "components": []},
        {**payload, "ran": -1},
    ):
        with pytest.raises(DamagedError):
            decode_latest(wrong)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "new" / "entry.json"
    codec.write(file, [b"old"])

    def chunks() -> Iterator[bytes]:
        yield b"half of the n"
        assert file.read_bytes() == b"old"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        codec.write(file, chunks())
    assert file.read_bytes() == b"old"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "disturb",
    [
        lambda folder: (folder / "c.json").symlink_to(folder / "a.json"),
        lambda folder: (folder / "c.json").mkdir(),
        lambda folder: os.mkfifo(folder / "c.json"),
        lambda folder: (folder / "tmp-0123456789abcdef").write_text(""),
    ],
)
def test_entries_are_files_newest_first(tmp_path: Path, disturb: Callable[[Path], None]) -> None:
    for age, name in ((3, "b.json"), (9, "a.json")):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    disturb(tmp_path)
    assert [path.name for path in codec.newest_first(tmp_path)] == ["b.json", "a.json"]
    assert codec.newest_first(tmp_path / "none") == []
