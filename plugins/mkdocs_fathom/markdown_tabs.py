"""Part of the Markdown extension: the tabs of depths, as blocks of pymdownx's."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Protocol

from markdown import Markdown
from markdown.util import AMP_SUBSTITUTE, AtomicString
from pymdownx.blocks import BlocksExtension
from pymdownx.blocks.tab import Tab

from .config import Config
from .rendering import ansi, panels, render

_OPTIONS = {"alternate_style": True, "slugify": None, "combine_header_slug": False, "separator": "-"}


class Page(Protocol):
    """What the tabs must know of the page that they stand on."""

    settings: Config
    panels: panels.Panels


def register_tabs(md: Markdown, page: Page) -> None:
    """Let a conversion know our block."""
    blocks = BlocksExtension().register_block_mgr(md)
    blocks.register(DepthTab, {**_OPTIONS, "page": page})
    _keep_linear(blocks)


def _keep_linear(manager: Any) -> None:
    """Make pymdownx's time grow with a page's blocks, not with their square.

    Before each block it maps the whole tree of the page, so as to count the list items between a block and the blocks
    around it. Where no block stands around another one, the block itself is tree enough.
    """
    parse_blocks = manager.parse_blocks

    def parse(blocks: list[str], parent: ET.Element) -> None:
        alone = len(manager.stack) == 1 and parent.tag not in {"li", "dd"}
        parse_blocks(blocks, manager.stack[0].el if alone else parent)

    manager.parse_blocks = parse


class DepthTab(Tab):  # type: ignore[misc]  # pymdownx has no types
    """`/// fathom-depth | DEEP holds 3 new`: a tab of pymdownx's, with our marks on it.

    The words behind the depth: whether the tab holds a region or awaits one, which one, and whether it begins a set.
    """

    NAME = render.BLOCK

    def on_create(self, parent: ET.Element) -> ET.Element:
        """Let pymdownx make the tab, then make it ours."""
        page: Page = self.config["page"]
        name, kind, number, *new = self.argument.split()
        self.options["new"] = bool(new)
        group: ET.Element = super().on_create(parent)
        depth = next(item for item in page.settings.depths if item.name == name)
        page.panels.sets += bool(new)
        group_name = f"__fathom_{page.panels.sets}"
        control, label, panel = group.findall("input")[-1], group[-2][-1], group[-1][-1]
        group.set("data-fathom-tabs", "")
        for element in (control, label, panel):
            element.set(panels.DEPTH, depth.slug)
        # pymdownx counts each kind of block by itself: its own names could meet those of the author's tabs.
        control.attrib |= {"id": f"{group_name}_{depth.slug}", "name": group_name}
        label.attrib |= {"for": control.attrib["id"], "data-search-exclude": ""}
        panel.set("data-fathom-label", literal(depth.label))
        label.text = AtomicString(literal(depth.label))
        control.attrib.pop("checked", None)
        if depth.name == page.settings.start_depth:
            control.set("checked", "checked")
        made = panels.Panel(panel, control.attrib["id"], depth.label)
        if kind == "awaits":
            page.panels.waiting.append((made, int(number)))
        else:
            page.panels.filled.setdefault(int(number), []).append(made)
        return group

    def on_end(self, block: ET.Element) -> None:  # noqa: ARG002 - pymdownx passes it
        """Count that the end was found."""
        self.config["page"].panels.closed += 1


def literal(text: str) -> str:
    """A text that Python-Markdown prints as it stands: its serialiser would take `&lt;` for an entity."""
    return ansi.visible(text).replace("&", f"{AMP_SUBSTITUTE}amp;")
