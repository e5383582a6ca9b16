"""Which pages a browser shows, by what it asks the web server for."""

from __future__ import annotations

from wsgiref.util import setup_testing_defaults

from mkdocs_fathom.scheduling.screen import Screen

PAGES = {"./": "index", "a/": "a", "b/": "b", "caf%C3%A9/": "café", "d.html": "d"}


def asked(*requests: tuple[str, str], mount: str = "/") -> list[str]:
    """The pages on screen after requests: the path of each, and the page that it came from."""
    screen = Screen()
    application = screen.watch(lambda environ, _start: [environ["PATH_INFO"].encode()], mount)
    for path, referer in requests:
        environ = {"PATH_INFO": path.encode().decode("latin-1"), "HTTP_REFERER": referer}
        setup_testing_defaults(environ)
        assert application(environ, lambda *_: lambda _data: None) == [environ["PATH_INFO"].encode()]
    return screen.first(PAGES)


def test_pages_asked_for_last_come_first() -> None:
    """Whatever else is asked for is no page of ours."""
    requests = [("/a/", ""), ("/", ""), ("/assets/x.css", ""), ("/gone/", ""), ("/d.html", ""), ("/a/", "")]
    assert asked(*requests) == ["a", "d", "index"]
    assert asked(("/café/", ""), ("/b/index.html", "")) == ["b", "café"]


def test_a_page_that_asks_for_news_is_on_screen() -> None:
    """MkDocs' script asks when a page is shown again; without a referrer nobody knows which page that is."""
    poll = "/livereload/1/2"
    assert asked(("/a/", ""), ("/b/", ""), (poll, "http://127.0.0.1:8000/a/#x")) == ["a", "b"]
    assert asked(("/a/", ""), ("/b/", ""), (poll, "http://127.0.0.1:8000/caf%C3%A9/?q")) == ["café", "b", "a"]
    assert asked(("/a/", ""), ("/b/", ""), (poll, "")) == ["b", "a"]


def test_below_a_path() -> None:
    """A site with a path in its address is served below that."""
    assert asked(("/x/a/", ""), ("/b/", ""), ("/x/", ""), mount="/x/") == ["index", "a"]
