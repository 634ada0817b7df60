"""Reports are equal for equal seeds, on one device and on several; several losses give one HTML page."""

from __future__ import annotations

from html.parser import HTMLParser

from oracles.faulty_edges import absolute_as_a_root
from sporax.testing import check_loss, html_page

ONLY = ["runs", "reduction", "gradient", "gradient-ties", "edges", "inputs-used"]
PAIR = "p: f32[8], y: f32[8]"
_SCRIPT = f"""
import jax
from sporax.testing import check_loss
assert jax.device_count() == 8
print(check_loss("mean_absolute_percentage_error", "x: f32[8], y: f32[8]", only={ONLY!r}).as_json())
"""


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_has_a_row_for_each_finding():
    reports = [
        check_loss(absolute_as_a_root, PAIR, only=["gradient-ties", "edges"]),
        check_loss("mse_loss", only=["nan"]),
    ]
    tags = _Tags()
    page = html_page(reports)
    tags.feed(page)
    assert tags.open == []
    assert [tags.seen.count(tag) for tag in ("html", "body", "h1", "tr")] == [1, 1, 2, 3]
    assert page.startswith("<!doctype html>")
    assert "<title>2 losses</title>" in page


def test_text_of_a_report_is_escaped():
    def ratio(x):
        return 1 / x

    ratio.__name__ = "<b>ratio & more</b>"
    page = check_loss(ratio, "x: f32[4]", only=["edges"]).as_html()
    assert "&lt;b&gt;ratio &amp; more&lt;/b&gt;" in page
    assert "<b>" not in page


def test_the_same_seed_gives_the_same_report():
    one, same = (check_loss(absolute_as_a_root, PAIR, only=ONLY, seed=3).as_json() for _ in range(2))
    assert one == same
    assert "is NaN" in one


def test_eight_devices_give_the_report_of_one(on_eight_devices):
    report = check_loss("mean_absolute_percentage_error", "x: f32[8], y: f32[8]", only=ONLY)
    assert on_eight_devices(_SCRIPT).strip() == report.as_json()
