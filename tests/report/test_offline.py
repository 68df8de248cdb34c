import pytest

from agritwin.errors import DataError
from agritwin.report import offline


@pytest.mark.parametrize(
    "markup",
    [
        '<link rel="stylesheet" href="static/page.css">',
        '<script src="https://example.org/a.js"></script>',
        '<img src="picture.png">',
        '<img srcset="a.png 2x">',
        '<div style="background:url(https://example.org/a.png)"></div>',
        '<style>@import "https://example.org/a.css";</style>',
        "<style>body { background: url('a.png') }</style>",
        '<iframe src="//example.org"></iframe>',
        '<script>{"name":"ImportedStyleSheet","id":"p1","attributes":{"url":"https://example.org/a.css"}}</script>',
    ],
)
def test_whatever_a_browser_would_fetch_is_found(markup):
    assert len(offline.fetched(f"<html><body>{markup}</body></html>")) == 1
    with pytest.raises(DataError, match="would fetch"):
        offline.check(markup)


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="https://example.org/licence">licence</a>',
        '<a href="en.html">English</a>',
        '<link rel="icon" href="data:,">',
        '<img src="data:image/png;base64,AAAA">',
        '<svg><use href="#shape"></use></svg>',
        "<script>const help = 'https://example.org'</script>",
    ],
)
def test_links_and_what_lies_in_the_page_are_left_alone(markup):
    offline.check(markup)


def test_a_page_too_large_to_be_sent_is_refused():
    with pytest.raises(DataError, match="more than"):
        offline.check("<p>" + "a" * offline.LARGEST_BYTES)
