"""What a program prints, raises, draws or names, made to attack: in Chromium, without a policy, nothing of it runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.conftest import Served, serve
from tests.conftest import Built
from tests.running import cells
from tests.serving import Served as Preview

RUN = "window.__fired=1"
SCRIPT = f"<script>{RUN}</script>"
IMAGE = f"<img src=x onerror={RUN}>"
CLOSING = (
    "</pre>",
    "</code></pre>",
    "</div></div></div></div>",
    "</template>",
    "</textarea>",
    "</title>",
    "</style>",
    "</script>",
    "</svg>",
    "</text></svg>",
    "</desc></svg>",
    "</math>",
    "</noscript>",
    "</iframe>",
    "</article></main>",
    "</body></html>",
    "]]>",
    "-->",
    "--!>",
    "*/",
    "'>",
    '">',
    "`>",
    "' ",
    '" ',
    "\x02",
    "\x03",
    "\x02stx\x03",
    "\x02wzxhzdk:0\x03",
    "{{ config }}",
    "<!-- /DEEP -->",
    "``` ",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\u00a0",
    "\x0b\x0c",
    "&lt;/pre&gt;",
    "\x1b[31m",
    "\x1b]8;;javascript:window.__fired=1\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[<script>m",
    "x" * 5000,
)
HANDLERS = (
    f"<body onload={RUN}>",
    f"<svg onload={RUN}>",
    f"<svg/onload={RUN}//",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><set onbegin={RUN} attributeName=x to=1>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><script href=data:,{RUN} />",
    f"<svg><foreignObject><img src=x onerror={RUN}></foreignObject></svg>",
    f"<svg><a xlink:href=javascript:{RUN}><text y=9>a</text></a></svg>",
    f"<svg><use href='data:image/svg+xml,<svg id=x onload={RUN}/>#x'/></svg>",
    f"<svg><style><img src=x onerror={RUN}></style></svg>",
    f"<math><mi xlink:href=javascript:{RUN}>a</mi></math>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;<img src=x onerror={RUN}>'>",
    f"<math><annotation-xml encoding=text/html><img src=x onerror={RUN}></annotation-xml></math>",
    f"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={RUN}>",
    "<iframe srcdoc='<script>parent.__fired=1</script>'></iframe>",
    "<iframe src=javascript:parent.__fired=1></iframe>",
    f"<iframe onload={RUN}></iframe>",
    f"<object data=javascript:{RUN}></object>",
    f"<embed src=javascript:{RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<select autofocus onfocus={RUN}></select>",
    f"<details open ontoggle={RUN}>x</details>",
    f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>x</marquee>",
    f"<style onload={RUN}></style>",
    f"<link rel=stylesheet href=data:, onload={RUN}>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    "<meta http-equiv=refresh content='0;url=/gone'>",
    "<base href=https://evil.example/>",
    f"<p style='animation: x' onanimationstart={RUN}>",
    f"<div onpointerover={RUN} style='position:fixed;inset:0;z-index:99'>x</div>",
    f"<a href=javascript:{RUN}>a</a>",
    f"<a href='java&#10;script:{RUN}'>a</a>",
    f"<a href='data:text/html,{SCRIPT}'>a</a>",
    f"<form action=javascript:{RUN}><button autofocus>b</button></form>",
    f"<template>{SCRIPT}</template>",
    f"<noscript><p title='</noscript>{IMAGE}'>",
    f"<textarea><p title='</textarea>{IMAGE}'>",
    f"<title><p title='</title>{IMAGE}'>",
    f"<xmp><p title='</xmp>{IMAGE}'>",
    f"<select><template><style><!--</style></template><a rel='--></select>{IMAGE}'>",
    f"<img src=x onerror={RUN}",
    f"<img src='x' onerror='{RUN}'",
    f"<img/src=x/onerror={RUN}>",
    f"<IMG SRC=x OnErRoR={RUN}>",
    f"<img\tsrc=x\tonerror={RUN}>",
    f"<scr<script>ipt>{RUN}</script>",
    f"<script\x0c>{RUN}</script>",
    f"<script>{RUN}//",
    f"<<script>{RUN}</script>",
    f"<script src=data:text/javascript,{RUN}></script>",
    f"<script type=module>{RUN}</script>",
    f"<script>{RUN}<\\/script>",
    f"<!--><script>{RUN}</script>-->",
    f"<!---!><img src=x onerror={RUN}>",
    f"<![CDATA[><img src=x onerror={RUN}>]]>",
    f"<?x ><img src=x onerror={RUN}>",
    f"</p><img src=x onerror={RUN}>",
    f"&lt;img src=x onerror={RUN}&gt;",
    f"&#60;img src=x onerror={RUN}&#62;",
    f"&amp;lt;img src=x onerror={RUN}&amp;gt;",
    f"\uff1cimg src=x onerror={RUN}\uff1e",
    f"\\u003cimg src=x onerror={RUN}\\u003e",
    f"[x](javascript:{RUN})",
    f"![x](x){{onerror={RUN}}}",
    f"' onmouseover={RUN} autofocus onfocus={RUN} x='",
    f'" onmouseover={RUN} autofocus onfocus={RUN} x="',
)
PAYLOADS = tuple(f"{closing}{attack}" for closing in CLOSING for attack in (SCRIPT, IMAGE)) + HANDLERS

# In names that stand in files, in YAML and in a line of Markdown: what needs no control characters.
NAMED = [
    IMAGE,
    SCRIPT,
    f'">{IMAGE}',
    f"'>{IMAGE}",
    f"</title>{SCRIPT}",
    f"</span>{SCRIPT}",
    f"&lt;img src=x onerror={RUN}&gt;",
    f"]]>{IMAGE}",
]
DEPTHS = json.dumps([{"name": "SHALLOW", "label": NAMED[0]}, {"name": "DEEP", "label": NAMED[2]}])
CONFIG = f"""\
site_name: Test
theme: {{name: material, font: false, features: [navigation.footer, search.highlight, search.suggest]}}
plugins: [search, fathom: {{depths: {DEPTHS}}}]
markdown_extensions: [toc, attr_list, pymdownx.highlight]
"""
GIVEN = "from payloads import PAYLOADS"
LIBRARY = f"import json\n\nPAYLOADS = json.loads({json.dumps(json.dumps(PAYLOADS))})\n"

PRINTED = cells(f"{GIVEN}\nfor payload in PAYLOADS:\n    print('needle', payload)")
STDERR = cells(f"import sys\n{GIVEN}\nfor payload in PAYLOADS:\n    print(payload, file=sys.stderr)")
SHOWN = cells(
    f"""
    from IPython.display import display
    {GIVEN}
    class Bare:
        def __init__(self, text): self.text = text
        def __repr__(self): return self.text
    for payload in PAYLOADS: display(Bare(payload))
    PAYLOADS
    """
)
RAISED = cells(f'{GIVEN}\nraise ValueError("\\n".join(PAYLOADS))', fence="python raises='ValueError'") + cells(
    f"{GIVEN}\nraise type(PAYLOADS[0][:50], (Exception,), {{}})(PAYLOADS[1])", fence="python raises='Exception'"
)
DRAWN = cells(
    f"""
    from xml.sax.saxutils import escape, quoteattr
    from IPython.display import SVG, display
    import matplotlib.pyplot as plt
    {GIVEN}
    allowed = ["".join(c for c in each if c.isprintable()) for each in PAYLOADS]
    both = [(quoteattr(each), escape(each)) for each in allowed]
    lines = "".join(f"<text id={{name}}><title>{{text}}</title>{{text}}</text>" for name, text in both)
    display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg">{{lines}}<script>{RUN}</script><g onload="{RUN}"/></svg>'))
    plt.title("</text></svg>{IMAGE}", parse_math=False); plt.show()
    """,
    fence=f'python alt=\'">{IMAGE}\' title="</span>{IMAGE}"',
)


def headings() -> str:
    """A heading for each of some payloads, as code, in both depths, with a card of the page below."""
    lines = "\n\n".join(f"## `` {each} `` needle" for each in NAMED)
    return f"<!-- SHALLOW -->\n{lines}\n<!-- /SHALLOW -->\n\n<!-- DEEP -->\n{lines}\n\nmore\n<!-- /DEEP -->\n"


def chapter(number: int, cell: str) -> str:
    """A chapter whose title attacks, too."""
    title = NAMED[number % len(NAMED)]
    return f"# `` {title} `` needle\n\n{headings()}\n{cell}"


def announced(payload: str) -> str:
    """A page whose front matter attacks."""
    said = dict.fromkeys(("title", "description", "author"), payload)
    return f"---\n{json.dumps(said)}\n---\n\nneedle\n\n{cells('1')}"


CHANNELS = {"printed": PRINTED, "stderr": STDERR, "shown": SHOWN, "raised": RAISED, "drawn": DRAWN}


@pytest.fixture(scope="module")
def attacked(build_site: Callable[..., Built]) -> Iterator[Served]:
    """A site whose every channel carries the payloads, with no policy that would stop them."""
    files = {f"docs/{name}.md": chapter(number, cell) for number, (name, cell) in enumerate(CHANNELS.items())}
    cards = "\n".join(f"- [{name}]({name}.md){{ .fathom-card }}" for name in CHANNELS)
    name = f"a'{IMAGE}&amp;.md"
    built = build_site(
        {
            "mkdocs.yml": CONFIG,
            "payloads.py": LIBRARY,
            "docs/index.md": f"# Home\n\n{cards}\n",
            **{f"docs/told{number}.md": announced(payload) for number, payload in enumerate(NAMED)},
            f"docs/{IMAGE}.md": cells("2"),
            f"docs/{name}": "# Named needle\n\n" + cells("1 / 0", fence="python raises='ZeroDivisionError'"),
            **files,
        },
        "mkdocs build",
    )
    assert built.code == 0, built.stderr
    with serve(built.site) as address:
        yield Served(built, address)


@pytest.fixture
def page(chromium: Browser, attacked: Served) -> Iterator[Page]:
    """A page that tells of all that must not happen: a script, a dialog, a request or a way to elsewhere."""
    happened: list[str] = []
    with chromium.new_context() as context:
        context.expose_function("told", lambda what: happened.append(what))  # noqa: PLW0108 - Playwright wants its own
        context.add_init_script(
            "Object.defineProperty(window, '__fired', { set() { told(`fired on ${location}`); } });"
        )
        page = context.new_page()
        page.on("dialog", lambda dialog: _dismiss(dialog, happened))
        page.on("response", lambda answer: happened.append(answer.url) if answer.status >= 400 else None)
        page.on("request", lambda sent: _elsewhere(sent.url, attacked.address, happened))
        yield page
    assert happened == []


def _dismiss(dialog: Dialog, happened: list[str]) -> None:
    happened.append(f"dialog {dialog.message}")
    dialog.dismiss()


def _elsewhere(url: str, address: str, happened: list[str]) -> None:
    if not url.startswith((address, "data:", "blob:")):
        happened.append(url)


def search(page: Page) -> None:
    """Look for a word that stands beside each payload; open all that is found."""
    page.get_by_role("textbox", name="Search").click()
    page.keyboard.type("needle")
    expect(page.locator(".md-search-result__link").first).to_be_visible()
    for more in page.locator(".md-search-result__more > summary").all():
        more.click()
    page.keyboard.press("Escape")


def settle(page: Page) -> None:
    """Give what was started time to do harm."""
    page.wait_for_load_state("networkidle")
    page.mouse.move(300, 300)


def test_there_are_enough() -> None:
    assert len(set(PAYLOADS)) >= 100


@pytest.mark.parametrize("name", CHANNELS)
def test_outputs(page: Page, attacked: Served, name: str) -> None:
    """At each depth, after a search, after a change of depth: the payloads are text."""
    for depth in ("shallow", "deep"):
        page.goto(f"{attacked.address}{name}/?depth={depth}")
        settle(page)
    page.keyboard.press("d")
    search(page)
    page.get_by_role("tab").first.click()
    settle(page)
    expect(page.locator("article script, article iframe, article [onerror], article [onload]")).to_have_count(0)


def test_names(page: Page, attacked: Served) -> None:
    """Of files, in cards, in the navigation, in what is remembered of a reader."""
    page.goto(attacked.address)
    settle(page)
    search(page)
    links = page.locator(".md-nav--primary a.md-nav__link, .fathom-card")
    for address in {str(link.evaluate("link => link.href")) for link in links.all()}:
        page.goto(address)
        page.mouse.wheel(0, 900)
        settle(page)
        page.wait_for_timeout(100)


MISTAKES = {
    "raised": cells(f"{GIVEN}\nprint(*PAYLOADS)\nraise ValueError('\\n'.join(PAYLOADS))"),
    "absent": cells(f"from mkdocs_fathom import artifacts\n{GIVEN}\nartifacts.load(PAYLOADS[0] + PAYLOADS[-1])"),
    "broken": cells(f"x = = '{IMAGE}'"),
    "unknown": cells("1", fence=f"python {IMAGE}"),
    "unclosed": f"# A\n\n<!-- {SCRIPT} -->\n\n<!-- SHALLOW -->\n",
    "needing": f"---\nneeds: [{json.dumps(IMAGE)}]\n---\n\n# A\n\n{cells('1')}",
    f"named {IMAGE}": cells("1 / 0"),
}


def test_mistakes_in_a_preview(chromium: Browser, previewed: Callable[..., Preview]) -> None:
    """What is wrong is told in the page itself, and whatever it quotes is text there."""
    config = "site_name: Test\ntheme: {name: material, font: false}\nplugins: [fathom]\n"
    pages = {f"docs/{name}.md": text for name, text in MISTAKES.items()}
    preview = previewed({"mkdocs.yml": config, "payloads.py": LIBRARY, **pages})
    fired: list[str] = []
    with chromium.new_context() as context:
        context.expose_function("told", lambda what: fired.append(what))  # noqa: PLW0108 - Playwright wants its own
        context.add_init_script("Object.defineProperty(window, '__fired', { set() { told(location.href); } });")
        page = context.new_page()
        for name in MISTAKES:
            page.goto(f"http://{preview.address}/{quote(name)}/")
            expect(page.locator(".fathom-mistake").first).to_be_visible()
            page.mouse.move(300, 300)
            page.wait_for_timeout(100)
    assert fired == []


def test_the_payloads_are_live(chromium: Browser) -> None:
    """The same texts do fire where they are not escaped: the marker above would see them."""
    with chromium.new_context() as context:
        page = context.new_page()
        for payload in (SCRIPT, IMAGE, HANDLERS[1]):
            page.set_content(f"<p>{payload}")
            page.wait_for_function("window.__fired === 1")
            page.goto("about:blank")
            page.set_content(f"<p>{escape(payload)}")
            assert page.evaluate("window.__fired") is None
