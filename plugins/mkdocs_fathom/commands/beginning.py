"""A new chapter: a page that passes every check, to be written over."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..config import Config
from ..errors import FathomError
from ..model import Depth, Span
from ..scheduling.chapters import chapter_files, is_chapter
from ..site_file import SiteFile

_NUMBERED = re.compile(r"(\d+)([-_.])")
_LATIN = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
_HEAD = """\
# {title}

Say here, for every reader, what this chapter is about and why it is worth their time.

```python
numbers = [1, 2, 6]
print(sum(numbers) / len(numbers))
```
"""
_FIRST = """
<!-- {name} -->
## In short

Say here what a reader at {name} takes home: the idea, in plain words. The mean is the sum over the count.
<!-- /{name} -->
"""
_DEEPER = """
<!-- {name} -->
## {title}

Say here what a reader at {name} wants to know besides. Code may use what the shared cells above define:

```python
mean = sum(numbers) / len(numbers)
print(sum((number - mean) ** 2 for number in numbers))
```
<!-- /{name} -->
"""


def begin(title: str, config: Config) -> Path:
    """Write a new chapter where the site's chapters live, under the next number.

    Raises:
        FathomError: The option `chapters` allows no such page, or the file cannot be written.
        ValueError: The title has no letter or digit, or a chapter there has it.
    """
    title = " ".join(title.split())
    file = _place(title, config)
    if not is_chapter(file, config):
        what = f"option `chapters` of fathom: `{config.relative(file)}` would be no chapter"
        raise FathomError.at(config.place("chapters"), what, "Write the page by hand where a pattern matches it.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(_text(title, config.depths))
    except OSError as error:
        what = f"cannot write it: {error.strerror}"
        raise FathomError.at(Span(config.relative(file), 1), what, "Check who may write there.") from error
    return file


def advice(file: Path, site: SiteFile, config: Config) -> list[str]:
    """What to do with a new chapter."""
    page = file.relative_to(config.docs).as_posix()
    lines = [f"{config.relative(file)} is written. Next:"]
    if not site.uses_fathom:
        lines.append(f"  add `- fathom` to `plugins` in {site.name}")
    if site.data.get("nav"):
        lines.append(f"  add `- {page}` to `nav` in {site.name}")
    return [*lines, "  `mkdocs serve` shows it while you write", "  `fathom check` says in a second what is wrong"]


def slug(title: str) -> str:
    """A file's name from a title: letters and digits, in lower case, with dashes between words.

    Raises:
        ValueError: There are none.
    """
    # Case folding makes `ss` of `ß`; the letters below have no form without their mark.
    folded = unicodedata.normalize("NFKD", title.casefold().translate(_LATIN))
    for words in (folded.encode("ascii", "ignore").decode(), unicodedata.normalize("NFC", title).lower()):
        if name := "-".join(re.findall(r"[^\W_]+", re.sub("['’]", "", words))):
            return name
    raise ValueError(f"no letter or digit in the title `{title}`")


def _place(title: str, config: Config) -> Path:
    """Where the numbered chapters are, behind the last of them; else where the option `chapters` looks."""
    files: list[Path] = []
    with suppress(FathomError):  # a pattern that matches no page yet
        files = chapter_files(config)
    numbered = [file for file in files if _NUMBERED.match(file.name)]
    if not numbered:
        return _home(config) / f"01-{slug(title)}.md"
    folder = Counter(file.parent for file in numbered).most_common(1)[0][0]
    found = [match for file in numbered if file.parent == folder and (match := _NUMBERED.match(file.name))]
    same = next((file for file in numbered if file.parent == folder and _unnumbered(file) == slug(title)), None)
    if same:
        raise ValueError(f"`{config.relative(same)}` has this title already: choose another")
    last = max(found, key=lambda match: int(match[1]))
    return folder / f"{int(last[1]) + 1:0{len(last[1])}}{last[2]}{slug(title)}.md"


def _unnumbered(file: Path) -> str:
    return _NUMBERED.sub("", file.stem, count=1)


def _home(config: Config) -> Path:
    """The folder that the first pattern names before its first wildcard; `chapters` where it names none."""
    parts = config.chapters[0].split("/")[:-1]
    wild = next((at for at, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts))
    return config.docs.joinpath(*(parts[:wild] or ["chapters"]))


def _text(title: str, depths: Sequence[Depth]) -> str:
    first, *deeper = depths
    titles = ["In full"] if len(deeper) == 1 else [f"In full: {depth.label}" for depth in deeper]
    parts = [_DEEPER.format(name=depth.name, title=name) for depth, name in zip(deeper, titles, strict=True)]
    return _HEAD.format(title=title) + _FIRST.format(name=first.name) + "".join(parts)
