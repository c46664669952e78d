# SPDX-License-Identifier: GPL-3.0-or-later
"""report.md: the report without its drawings."""

from __future__ import annotations

from collections.abc import Sequence

from ..answers.answer import Answer
from ..results.report import Report
from .distribution_table import DistributionTable
from .figure_table import Cell, TableRow
from .markdown import code_block, markdown_table, plain
from .run_view import RunView, build_view
from .words import NOTHING


def to_markdown(report: Report, answers: Sequence[Answer] = ()) -> str:
    """The text of report.md."""
    view = build_view(report, answers)
    lines = [f"# Temporal benchmarking lab: {plain(view['student'])}", "", plain(view["summary"]), ""]
    lines += [f"- {name}: {plain(value)}" for name, value in view["header"]] + [""]
    if view["first_look"]:
        lines += [f"> {plain(view['first_look'])}", ""]
    if view["answers"]:
        lines += ["## The lab's questions", "", *_answers(view)]
    lines += ["## Stages", "", *_stages(view)]
    if view["problems"]:
        lines += ["## Problems", "", *_problems(view), ""]
    lines += ["## Figures", "", *_figures(view)]
    if view["used_up"]:
        lines += ["## What was used up", ""]
        lines += [f"- {plain(one['windows'])}: {plain(one['text'])}" for one in view["used_up"]] + [""]
    for table in view["shards"]:
        lines += [
            f"## Shards of each history pod ({plain(table['stage'])})",
            "",
            plain(" ".join(table["sentences"])),
            "",
        ]
        rows = [[row["pod"], row["before"], row["after"], row["share"]] for row in table["rows"]]
        rows.append(["Sum", table["before"], table["after"], ""])
        lines += markdown_table(["Pod", "Before", "After", "Share after"], rows, numbers_from=1)
    for ledger in view["ledgers"]:
        lines += [f"## What it cost that shards moved ({plain(ledger['stage'])})", ""]
        lines += [plain(" ".join(ledger["cost"])), ""]
        rows = [[row["clock"], row["pod"], row["what"], row["count"]] for row in ledger["rows"]]
        lines += markdown_table(["Seen (UTC)", "Pod", "What", "How many"], rows, numbers_from=3)
        lines += [plain(" ".join(ledger["rest"])), ""]
    lines += ["## Time line", ""]
    if view["moments"]:
        rows = [[row["mark"], row["offset"], row["clock"], row["stage"], row["what"]] for row in view["moments"]]
        lines += markdown_table(["Mark", "Since start", "UTC", "Stage", "What"], rows)
    else:
        lines += ["No events and no windows were recorded.", ""]
    if view["courses"]:
        lines += ["## Distributions over time", "", "Times are those since the run's start.", ""]
    for course in view["courses"]:
        lines += [f"- {plain(course['title'])}"]
        lines += [f"  - {letter} {plain(name)}: {plain(text)}" for letter, name, text in course["windows"]]
    if view["courses"]:
        lines.append("")
    if view["facts"]:
        lines += ["## What the stages found", "", *_facts(view)]
    lines += ["## Versions and settings", ""]
    lines += [f"- {plain(name)}: {plain(value)}" for name, value in view["versions"] + view["settings"]] + [""]
    if view["known"]["rows"]:
        lines += ["## How well the figures are known", "", *_known(view), ""]
    lines += ["## Queries", "", plain(view["about_queries"]), "", *_queries(view)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _answers(view: RunView) -> list[str]:
    lines = []
    for stage in view["answers"]:
        lines += [f"### Questions of the stage {plain(stage['stage'])}", ""]
        lines += [plain(stage["note"]), ""] if stage["note"] else []
        for answer in stage["answers"]:
            lines += [f"**{plain(answer['question'])}** {plain(answer['text'])}", ""]
            lines += [plain(answer["predicted"]), ""] if answer["predicted"] else []
            for row in answer["evidence"]:
                values = " · ".join(f"{letter} {name}: {value}" for letter, name, value in row["values"])
                lines.append(f"- {plain(row['title'])}: {plain(values)}")
            lines.append(f"- Why: {plain(answer['why'])} ({plain(answer['source'])})")
            lines += [f"- What this does not show: {plain(answer['limits'])}", ""]
    return lines


def _stages(view: RunView) -> list[str]:
    rows = [
        [
            stage["stage"],
            stage["word"],
            "; ".join(filter(None, [stage["message"], *stage["notes"]])),
            stage["started"],
            stage["duration"],
            stage["attempts"],
        ]
        for stage in view["stages"]
    ]
    return markdown_table(["Stage", "State", "Message", "Started (UTC)", "Took", "Attempts"], rows)


def _problems(view: RunView) -> list[str]:
    lines = []
    for problem in view["problems"]:
        source = f"found in {problem['stages']}" if problem["stages"] else "; ".join(problem["sources"])
        lines.append(f"- **{problem['word']}** {plain(problem['text'])} ({plain(source)})")
        advice = [("Effect", problem["effect"]), ("Cure", problem["cure"])]
        lines += [f"  - {name}: {plain(text)}" for name, text in advice if text]
    return lines


def _figures(view: RunView) -> list[str]:
    if not view["key"] and not view["distributions"]:
        return ["No stage of this run has measured a window yet.", ""]
    heads = ["Figure"] + [f"{column['letter']} {column['name']}" for column in view["columns"]]
    lines = ["Each window with the change from the window before it.", ""]
    for note in filter(None, (view["changes"], view["bounds"])):
        lines += [plain(note), ""]
    if view["key"]:
        lines += markdown_table(heads, [_figure(row) for row in view["key"]], numbers_from=1)
    lines += [line for table in view["distributions"] if table["key"] for line in _distribution(table)]
    if view["other"]:
        lines += [
            "### More figures",
            "",
            *markdown_table(heads, [_figure(row) for row in view["other"]], numbers_from=1),
        ]
    return lines + [line for table in view["distributions"] if not table["key"] for line in _distribution(table)]


def _distribution(table: DistributionTable) -> list[str]:
    """A distribution with a row for each window; changes only of its key figures, as in the page."""
    title = f"{table['title']} ({table['hint']})" if table["hint"] else table["title"]
    heads = ["Window", "Observations", *(head["title"] for head in table["heads"])]
    rows = [
        [
            f"{row['letter']} {row['name']}",
            row["observations"],
            *(_value(cell, head["key"]) for cell, head in zip(row["cells"], table["heads"])),
        ]
        for row in table["rows"]
    ]
    about = [plain(table["question"]), ""] if table["question"] else []
    return [f"### {plain(title)}", "", *about, *markdown_table(heads, rows, numbers_from=1)]


def _value(cell: Cell, with_change: bool = True) -> str:
    """A cell's value with its change and its state."""
    text = cell["text"]
    if cell["change"] and with_change:
        text += f" ({cell['change']})"
    return f"{text} {cell['word']}" if cell["word"] else text


def _figure(row: TableRow) -> list[str]:
    cells = []
    for cell in row["cells"]:
        text = _value(cell)
        if cell["range"]:
            text += f"; {cell['range']}" if cell["range"] != cell["text"] else ""
        elif len(cell["by"]) > 1:
            text += "; " + ", ".join(f"{label}: {value}" for label, value in cell["by"])
        cells.append(text)
    return [row["title"] + (f" ({row['hint']})" if row["hint"] else ""), *cells]


def _facts(view: RunView) -> list[str]:
    lines = []
    for stage in view["facts"]:
        lines += [f"### {plain(stage['stage'])}", ""]
        for item in stage["items"]:
            if "findings" in item:
                lines.append(f"- {item['name']}:" + ("" if item["findings"] else " none"))
                for finding in item["findings"]:
                    parts = [f"**{plain(finding['state'])}** {plain(finding['title'])}"]
                    parts += [plain(text) for text in (finding["effect"], finding["cure"]) if text]
                    lines.append("  - " + "; ".join(parts))
            elif "lines" in item:
                lines.append(f"- {item['name']}:")
                lines += [f"  - {plain(line)}" for line in item["lines"]]
            else:
                lines.append(f"- {plain(item['name'])}: {plain(item['text'])}")
        lines.append("")
    return lines


def _known(view: RunView) -> list[str]:
    lines = []
    for row in view["known"]["rows"]:
        lines.append(f"- {row['name']}: {plain(row['text'])}")
        lines += [f"  - {plain(' – '.join(filter(None, [item['text'], item['figures']])))}" for item in row["items"]]
    return lines


def _queries(view: RunView) -> list[str]:
    lines = []
    for figure in view["queries"]:
        lines += [f"### {plain(figure['title'])} ({plain(figure['id'])})", ""]
        lines += [f"{plain(text)}\n" for text in (figure["question"], figure["reference"]) if text]
        if figure["metrics"]:
            lines += [f"Worked out from the raw samples of {plain(', '.join(figure['metrics']))}.", ""]
        names = [head["name"] for head in figure["heads"]]
        rows = [
            [f"{row['letter']} {row['name']}", *(_detail(*row["cells"][name]) for name in names)]
            for row in figure["rows"]
        ]
        lines += markdown_table(["Window", *(head["title"] for head in figure["heads"])], rows)
        if figure["remarks"]:
            lines += [
                f"- {', '.join(remark['letters']) + ': ' if remark['letters'] else ''}{plain(remark['text'])}"
                for remark in figure["remarks"]
            ] + [""]
        for item in figure["queries"]:
            windows = f", for {', '.join(item['letters'])}" if item["letters"] else ""
            if item["query"]:
                lines += [f"In PromQL{windows}:", "", *code_block(item["query"])]
            else:
                lines += [f"Worked out from other figures; it has no query of its own{windows}.", ""]
        for query in figure["plotted"]:
            lines += ["For the plot:", "", *code_block(query)]
    return lines or ["None.", ""]


def _detail(text: str, added: str) -> str:
    return f"{text} ({added})" if added else text or NOTHING
