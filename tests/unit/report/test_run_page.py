# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html and its drawings, looked at as a browser would: by parsing them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    page_files,
    run_page,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    figure,
    full,
    series,
    window,
)

VOID = {"meta", "link", "br", "hr", "img", "input", "col", "source", "wbr", "base", "area", "embed", "track"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}$\\frac$&amp;'


class Page(HTMLParser):
    """The elements of a page with their attributes, texts by element, and what is not well-formed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)
        self.close()
        self.faults += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if len({name for name, _value in attrs}) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes nothing")

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def check_page(html: str) -> Page:
    """What holds for every page: well-formed, offline, without script, ids once, headings in order."""
    parsed = Page(html)
    assert parsed.faults == []
    assert html.startswith("<!DOCTYPE html>")
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _attributes in parsed.elements}
    ids = [attributes["id"] for _tag, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
            if name in attributes:
                assert attributes[name][1:] in ids
        for name in re.findall(r"url\(([^)]*)\)", " ".join(attributes.values())):
            assert name.startswith("#")
            assert name[1:] in ids
    # A text may name an address, such as the API server's; nothing that a browser follows may.
    texts = ("title", "aria-label")
    followed = [value for _tag, found in parsed.elements for name, value in found.items() if name not in texts]
    assert not [text for text in (*followed, *parsed.texts["style"]) if "://" in text or "@import" in text]
    levels = [int(tag[1]) for tag, _attributes in parsed.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert levels.count(1) == 1
    assert all(attributes.get("scope") in ("row", "col") for attributes in parsed.all("th"))
    drawings = [attributes for attributes in parsed.all("svg") if attributes.get("aria-hidden") != "true"]
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in drawings)
    properties = set(re.findall(r"var\(--([a-z0-9-]+)\)", html))
    assert properties <= set(re.findall(r"--([a-z0-9-]+):", parsed.texts["style"][0]))
    return parsed


def test_the_recorded_run(recorded: dict[str, Any]) -> None:
    html = run_page.to_html(recorded)
    parsed = check_page(html)
    for row in recorded["figures"]:
        assert any(row["title"] in text for text in parsed.texts["th"])
        for reading in row["readings"]:
            if reading and reading["query"]:
                assert reading["query"] in parsed.texts["pre"]
    for event in recorded["events"]:
        assert event["title"] in parsed.texts["td"]
    keys = {row["id"] for row in recorded["figures"] if row["key"]}
    plotted = keys & {item["figure"] for item in recorded["series"]}
    assert len([item for item in parsed.all("svg") if item.get("class") == "drawing"]) == len(plotted) + 1
    assert len(html) < 400_000


def test_it_is_the_same_each_time(measured: Lab) -> None:
    assert run_page.to_html(measured.report()) == run_page.to_html(measured.report())


def test_light_and_dark_have_the_same_properties() -> None:
    style = page_files.read_file("page.css")
    light, dark = style.split("@media screen and (prefers-color-scheme: dark)")
    names = set(re.findall(r"--([a-z0-9-]+):", light))
    assert names == set(re.findall(r"--([a-z0-9-]+):", dark.split("* { box-sizing")[0]))


def test_hostile_names_are_text(lab: Lab) -> None:
    lab.write(
        "baseline",
        windows=[
            {
                **window(
                    "a",
                    START,
                    full(
                        "x",
                        1.0,
                        title=HOSTILE,
                        query=HOSTILE,
                        by={HOSTILE: 1, "b": 2},
                        notes=[HOSTILE],
                        metrics=[HOSTILE],
                        thresholds={"relative": {"window": HOSTILE}},
                        compared={"window": HOSTILE, "value": 2.0},
                        promql_reason=HOSTILE,
                    ),
                ),
                "title": HOSTILE,
            },
            {**window("b", START + 120, figure("x", None, title=HOSTILE, reason=HOSTILE)), "title": HOSTILE},
        ],
        series=[
            series("x", [[START, 1.0], [START + 5, 2.0]], title=HOSTILE, labels={"pod": HOSTILE}, query=HOSTILE),
            series("x", [[START, 1.0], [START + 5, 2.0]], labels={"pod": "b"}),
        ],
        events=[{"name": "e", "title": HOSTILE, "time": START}],
        versions={HOSTILE: HOSTILE},
        settings={HOSTILE: HOSTILE, "window": 120},
        facts={
            HOSTILE: HOSTILE,
            "shards": {"before": {HOSTILE: 1}, "after": {HOSTILE: 0}, "expected": 1, "settled": None},
            "findings": [
                dict.fromkeys(("state", "title", "effect", "cure"), HOSTILE),
                {"state": "fail", **dict.fromkeys(("title", "effect", "cure"), HOSTILE)},
            ],
            "leftovers": [HOSTILE],
        },
    )
    lab.write("scale", state="failed", message=HOSTILE)
    report = lab.report()
    html = run_page.to_html({**report, "student": HOSTILE, "run": HOSTILE})
    parsed = check_page(html)
    assert "<script" not in html
    assert "49" not in "".join(parsed.texts["h1"])
    assert HOSTILE in parsed.texts["h1"]
    assert HOSTILE in parsed.texts["dd"]
    assert HOSTILE in parsed.texts["pre"]
    assert any(HOSTILE in text for text in parsed.texts["li"])


def test_a_run_that_was_cut_off(lab: Lab) -> None:
    lab.write("preflight", facts={"findings": []})
    parsed = check_page(run_page.to_html(lab.report()))
    text = " ".join(parsed.texts["body"])
    assert "Not in this run: install, dashboard" in text
    assert "No stage of this run has measured a window yet." in text
    assert "No series was recorded" in text
    assert "No events and no windows were recorded." in text


def test_a_run_of_broken_files_only(lab: Lab) -> None:
    lab.path.mkdir(parents=True)
    (lab.path / "baseline-1.json").write_text("{<b>")
    parsed = check_page(run_page.to_html(lab.report()))
    assert any("baseline-1.json is not whole JSON" in text for text in parsed.texts["li"])
    assert "unreadable" in parsed.texts["td"]


def test_states_are_words(lab: Lab) -> None:
    figures = [figure(state, 1.0, state=state, reason="r") for state in ("warn", "fail", "error", "inconclusive")]
    lab.write("baseline", windows=[window("idle", START, *figures, figure("none", None))])
    parsed = check_page(run_page.to_html(lab.report()))
    cells = [text for text in parsed.texts["td"] if "1/s" in text]
    assert [cell.removeprefix("1/s").strip() for cell in cells[:4]] == ["warn", "fail", "error", "inconclusive"]
    assert "inconclusive" in parsed.texts["td"]


def section(html: str, name: str) -> str:
    """What stands in a section of the page, without its markup."""
    [found] = re.findall(rf'<section id="{name}".*?</section>', html, flags=re.DOTALL)
    return " ".join(Page(found).texts["section"][0].split())


def test_figures_that_are_not_wholly_known(doubtful: Lab) -> None:
    html = run_page.to_html(doubtful.report())
    parsed = check_page(html)
    assert html.index('<section id="setup"') < html.index('<section id="known"') < html.index('<section id="queries"')
    assert "#known" in [link["href"] for link in parsed.all("a")]
    known = section(html, "known")
    assert "Lowest coverage 83.3 % of the scrapes due in B benchmark took place" in known
    assert "PromQL leaves out the first value of series that began in the window: −17 % Work (B)" in known.replace(
        "%Work", "% Work"
    )
    assert "Lock: ≤ 1.00 ms in A, B" in known
    queries = section(html, "queries")
    for text in (
        "Worked out from the raw samples of work.",
        "145.246086666667 1/s",
        "at least 139/s",
        "24 new, 2 gone",
        "≤ 0.001 s",
        "2 series ended; what was counted after the last scrape is lost.",
        "The window idle had 40/s; this is 3.63 times that.",
    ):
        assert text in queries
    assert "No change is calculated from them." in section(html, "figures")


def test_bounds_stand_in_table_and_plots(lab: Lab) -> None:
    points: list[list[float | None]] = [[START, 0.0009], [START + 5, 0.00095]]
    lab.write(
        "baseline",
        windows=[window("idle", START, full("lock", 0.001, unit="s", bound="below"))],
        series=[series("lock", points, unit="s")],
    )
    html = run_page.to_html(lab.report())
    assert "≤ 1.00 ms" in Page(html).texts["td"]
    assert "A ≤ 1.00 ms" in section(html, "plots")


def test_old_results_have_nothing_that_is_empty(measured: Lab) -> None:
    html = run_page.to_html(measured.report())
    assert 'id="known"' not in html
    assert '"#known"' not in html
    assert "≤" not in html
    queries = section(html, "queries")
    assert not [text for text in ("Coverage", "Largest gap", "raw samples", "Series", "PromQL:None") if text in queries]


def test_findings_are_among_the_problems(lab: Lab) -> None:
    finding = {"id": "x", "state": "warn", "title": "The clocks differ", "effect": "Windows are off.", "cure": "NTP."}
    lab.write("preflight", facts={"findings": [finding, {**finding, "state": "pass", "title": "All is there"}]})
    lab.write("baseline", facts={"findings": [{**finding, "state": "fail", "title": "Late", "cure": ""}]})
    html = run_page.to_html(lab.report())
    check_page(html)
    problems = section(html, "problems")
    assert problems.index("Late") < problems.index("The clocks differ")
    for text in ("Effect: Windows are off.", "Cure: NTP.", "Found in: preflight"):
        assert text in problems
    assert "All is there" not in problems
    # Before the facts, which tell it too.
    assert '<span class="state fail">fail</span> Late' in html.split('<section id="figures"')[0]
