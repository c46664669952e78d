# SPDX-License-Identifier: GPL-3.0-or-later
"""How answers stand in a report's forms: the same words in each, every number linked to its figure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers import answer, questions_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.fact_reading import ChangeVerdict
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    answer_view,
    run_markdown,
    run_page,
    run_terminal,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import Lab, figure, window

QUESTIONS = """\
schema: temporal_lab.benchmarking/questions/1
windows: {load: {stage: benchmark, window: load}, more: {stage: concurrency, window: more}}
questions:
  - id: speed
    stage: concurrency
    question: Is it <b>faster</b>?
    facts:
      work: {figure: work, window: more, against: load}
    answers:
      - {id: faster, when: {work: higher}, text: "Yes, work went {work} & more."}
      - {id: slower, when: {work: lower}, text: "No."}
      - {id: not_known, open: true, text: "Not known: {reasons}."}
    limits: One run.
    why: Because.
    source: the source
  - id: idle
    stage: baseline
    question: What is idle?
    facts:
      work: {figure: work, window: load}
    answers:
      - {id: that, text: "That."}
    limits: Nothing.
    why: Because.
    source: the source
"""


@pytest.fixture
def report(tmp_path: Path) -> Any:
    lab = Lab(tmp_path)
    lab.write("benchmark", windows=[window("load", 1795453200.0, figure("work", 20.0, key=True))])
    lab.write("concurrency", at=200, windows=[window("more", 1795453400.0, figure("work", 30.0, key=True))])
    return lab.report()


def answers(report: Any, state: Any = "higher") -> list[answer.Answer]:
    questions = questions_file.parse(QUESTIONS, "questions.yml")
    return answer.answer_questions(report, questions, lambda *_: ChangeVerdict(state, "+45 to +55 %", "it is noise"))


TEXT = "Yes, work went from 20/s to 30/s (+45 to +55 %) & more."


def test_the_page_links_each_number_to_the_details_of_its_figure(report: Any) -> None:
    page = run_page.to_html(report, answers(report))
    section = page[page.index('<section id="answers"') : page.index('<section id="stages"')]
    assert "Is it &lt;b&gt;faster&lt;/b&gt;?" in section
    assert '<a href="#figure-work">from 20/s to 30/s (+45 to +55 %)</a> &amp; more.' in section
    assert page.count('id="figure-work"') == 1
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{target}"' in page
    assert "What this does not show:</b> One run." in section
    assert re.search(r">A</span> benchmark: <b>20/s</b> · <span class=\"mark window\">B</span> concurrency", section)
    assert "1 question open: the stage has not been measured in this run." in section
    assert '<span class="state inconclusive">open</span>' not in section
    assert '<span class="state inconclusive">open</span>' in run_page.to_html(report, answers(report, "unknown"))


def test_markdown_and_terminal_say_the_same(report: Any) -> None:
    found = answers(report)
    markdown = run_markdown.to_markdown(report, found)
    assert r"(+45 to +55 %) & more." in markdown.replace("\\", "")
    assert "## The lab's questions\n" in markdown
    assert "- Work: A benchmark: 20/s · B concurrency: 30/s" in markdown
    terminal = run_terminal.to_terminal(report, "report.html", answers=found)
    assert TEXT in " ".join(terminal.split())
    assert "concurrency: Is it <b>faster</b>?\n" in terminal


def test_a_report_without_answers_has_no_section_for_them(report: Any) -> None:
    assert 'id="answers"' not in run_page.to_html(report)
    assert "The lab's questions" not in run_markdown.to_markdown(report)


def test_the_open_ones_are_marked(report: Any) -> None:
    (stage, _other) = answer_view.answer_view(report, answers(report, "unknown"))
    assert [(one["word"], one["verdict"]) for one in stage["answers"]] == [("open", "not_known")]
    assert stage["answers"][0]["text"] == "Not known: Work: it is noise."
