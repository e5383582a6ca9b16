"""Entries of the store: runs as bytes and back. JSON under a line with its format and checksum, checked by field.

A store may come from anywhere, so nothing in an entry is believed: each object has exactly its known keys, each value
its type, each name stays inside its folder, each text can be written as UTF-8.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeVar, get_args, get_type_hints

from ..model import JSON, Artifact, CellResult, Dependency, Run

FORMAT = 2
"""Raised whenever the meaning of an entry changes. Entries of other formats are passed over."""
TEMPORARY = "tmp-"
"""How the names of files begin that are not yet whole."""
DIGEST = re.compile(r"[0-9a-f]{64}")
"""SHA-256 in hexadecimal; to be matched whole."""
_HEADER = re.compile(rb"fathom (\d{1,9}) ([0-9a-f]{64})")
_KINDS = frozenset(get_args(get_type_hints(Dependency)["kind"]))
_DEPTH = 64

T = TypeVar("T")


class DamagedError(ValueError):
    """An entry is not what was written, or was not written by us."""


class OtherFormatError(ValueError):
    """An entry was written by another version of Fathom."""


def seal(payload: JSON, name: str) -> bytes:
    """An entry: a line with the format and a checksum, then the payload.

    Args:
        payload: A JSON object.
        name: What the entry belongs to. The checksum covers it, so that an entry moved elsewhere counts as damaged.
    """
    body = json.dumps(payload, allow_nan=False, separators=(",", ":")).encode()
    return b"fathom %d %s\n%s" % (FORMAT, _checksum(name, body), body)


def unseal(data: bytes, name: str) -> JSON:
    """The payload of an entry.

    Raises:
        OtherFormatError: It has another format than ours.
        DamagedError: Anything else is wrong with it.
    """
    head, _, body = data.partition(b"\n")
    header = _HEADER.fullmatch(head)
    if not header:
        raise DamagedError("no header")
    if int(header[1]) != FORMAT:
        raise OtherFormatError(f"format {int(header[1])}")
    if header[2] != _checksum(name, body):
        raise DamagedError("wrong checksum")
    try:
        payload = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DamagedError("not JSON") from error
    return _object(payload)


def _checksum(name: str, body: bytes) -> bytes:
    return hashlib.sha256(os.fsencode(name) + b"\n" + body).hexdigest().encode()


def write(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file under a temporary name and rename it: a reader sees the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY}{os.urandom(8).hex()}"
    try:
        with temporary.open("xb") as file:
            file.writelines(chunks)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def newest_first(folder: Path) -> list[Path]:
    """The entries in a folder, those used last first. Links and pipes are no entries."""
    try:
        with os.scandir(folder) as entries:
            files = [
                entry for entry in entries if entry.name.endswith(".json") and entry.is_file(follow_symlinks=False)
            ]
        return [Path(entry) for entry in sorted(files, key=lambda entry: entry.stat().st_mtime_ns, reverse=True)]
    except OSError:
        return []


def encode(run: Run) -> JSON:
    """A successful run as JSON.

    Raises:
        DamagedError: It holds what `decode` would refuse.
    """
    payload = {
        "chapter": run.chapter,
        "depth": run.depth,
        "results": [
            {"number": result.number, "outputs": list(result.outputs), "seconds": result.seconds}
            for result in run.results
        ],
        "artifacts": [dataclasses.asdict(artifact) for artifact in run.artifacts],
        "dependencies": [dataclasses.asdict(dependency) for dependency in run.dependencies],
        "seconds": run.seconds,
    }
    decode(payload)
    return payload


def decode(payload: Any) -> Run:
    """The run that `encode` was given.

    Raises:
        DamagedError: The payload is no such run.
    """
    entry = _object(payload, "chapter", "depth", "results", "artifacts", "dependencies", "seconds")
    run = Run(
        chapter=_text(entry["chapter"]),
        depth=_text(entry["depth"]),
        results=_each(entry["results"], _result),
        artifacts=_each(entry["artifacts"], _artifact),
        dependencies=_each(entry["dependencies"], _dependency),
        seconds=_seconds(entry["seconds"]),
    )
    numbers = [result.number for result in run.results]
    if numbers != sorted(set(numbers)):
        raise DamagedError("cells out of order")
    _check_apart([artifact.name for artifact in run.artifacts])
    return run


def decode_latest(payload: JSON) -> tuple[str, str, dict[str, str], float]:
    """What the last run of a path left: its key, its manifest, its components, and when that was, checked."""
    entry = _object(payload, "key", "manifest", "components", "ran")
    return (
        digest(entry["key"]),
        digest(entry["manifest"]),
        {_text(name): _text(part) for name, part in _object(entry["components"]).items()},
        _seconds(entry["ran"]),
    )


def _result(value: Any) -> CellResult:
    entry = _object(value, "number", "outputs", "seconds")
    return CellResult(_whole(entry["number"]), _each(entry["outputs"], _output), _seconds(entry["seconds"]))


def _artifact(value: Any) -> Artifact:
    entry = _object(value, "name", "digest", "size")
    name = _text(entry["name"])
    path = PurePosixPath(name)
    # The name becomes a path below a folder of ours: it must be one, spelled in its only way, on any platform.
    if path.as_posix() != name or path.is_absolute() or not path.name or ".." in path.parts:
        raise DamagedError("not the name of an artifact")
    if "\\" in name or "\0" in name or PureWindowsPath(name).drive:
        raise DamagedError("not the name of an artifact")
    return Artifact(name, digest(entry["digest"]), _whole(entry["size"]))


def _check_apart(names: list[str]) -> None:
    """No artifact stands twice, and none where another one needs a folder."""
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    if len(set(names)) != len(names) or folders & set(names):
        raise DamagedError("two artifacts in one place")


def _dependency(value: Any) -> Dependency:
    entry = _object(value, "kind", "name", "state")
    kind = _text(entry["kind"])
    if kind not in _KINDS:
        raise DamagedError("no such kind of dependency")
    return Dependency(kind, _text(entry["name"]), _text(entry["state"]))  # type: ignore[arg-type]  # checked above


def _object(value: Any, *keys: str) -> JSON:
    """An object; with exactly these keys, if any are given."""
    if not isinstance(value, dict) or (keys and value.keys() != set(keys)):
        raise DamagedError("not the expected object")
    return value


def _each(value: Any, check: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise DamagedError("not a list")
    return tuple(check(item) for item in value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise DamagedError("not a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DamagedError("not Unicode") from error
    return value


def _output(value: Any) -> JSON:
    """An nbformat 4 output, each text in one piece."""
    checks = _OUTPUTS.get(_text(_object(value).get("output_type")))
    if not checks:
        raise DamagedError("no such output")
    entry = _object(value, "output_type", *checks)
    for key, check in checks.items():
        check(entry[key])
    return entry


def _stream(value: Any) -> None:
    if value not in ("stdout", "stderr"):
        raise DamagedError("no such stream")


def _count(value: Any) -> None:
    if value is not None:
        _whole(value)


def _bundle(value: Any) -> None:
    """Texts by their media types; JSON for the media types that are JSON."""
    for media_type, content in _object(value).items():
        (_json if re.search(r"[/+]json$", _text(media_type)) else _text)(content)


def _metadata(value: Any) -> None:
    _json(_object(value))


def _lines(value: Any) -> None:
    _each(value, _text)


_OUTPUTS: Mapping[str, Mapping[str, Callable[[Any], object]]] = {
    "stream": {"name": _stream, "text": _text},
    "display_data": {"data": _bundle, "metadata": _metadata},
    "execute_result": {"data": _bundle, "metadata": _metadata, "execution_count": _count},
    "error": {"ename": _text, "evalue": _text, "traceback": _lines},
}


def _json(value: Any, depth: int = 0) -> None:
    """Check any JSON. Deep nesting is refused, because whoever walks it later may recurse."""
    if depth > _DEPTH:
        raise DamagedError("nested too deeply")
    match value:
        case str():
            _text(value)
        case dict():
            for key, item in value.items():
                _text(key)
                _json(item, depth + 1)
        case list():
            for item in value:
                _json(item, depth + 1)
        case float():
            if not math.isfinite(value):
                raise DamagedError("not a finite number")
        case bool() | int() | None:
            pass
        case _:
            raise DamagedError("not JSON")


def digest(value: Any) -> str:
    """A checked SHA-256: safe as the name of a file. Raises `DamagedError` if it is none."""
    if not DIGEST.fullmatch(_text(value)):
        raise DamagedError("not a digest")
    return str(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise DamagedError("not a whole number")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise DamagedError("not a number of seconds")
    return float(value)


def _refuse(constant: str) -> Any:
    raise DamagedError(f"{constant} is no JSON")
