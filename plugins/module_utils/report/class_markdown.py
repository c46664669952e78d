# SPDX-License-Identifier: GPL-3.0-or-later
"""class.md: the class report as Markdown."""

from __future__ import annotations

from ..results.class_report import ClassReport
from .class_view import GroupDistributions, build_view
from .markdown import markdown_table, plain


def _distributions(table: GroupDistributions) -> list[str]:
    """The distributions of a group: of each figure the median, and between what the others lie."""
    rows = [
        [
            row["title"] + (f" ({row['hint']})" if row["hint"] else ""),
            *(
                "; ".join(filter(None, [cell["median"], " to ".join(filter(None, ends)), cell["states"]]))
                for cell in row["cells"]
                for ends in [(cell["lowest"], cell["highest"])]
            ),
        ]
        for row in table["rows"]
    ]
    return markdown_table(["Median; lowest to highest", *table["heads"]], rows, numbers_from=1) if rows else []


def to_markdown(report: ClassReport, retry: str = "") -> str:
    """The text of class.md.

    retry: path of the file with the hosts to retry; empty where there is none.
    """
    view = build_view(report)
    lines = ["# Temporal benchmarking lab: the class", "", plain(view["summary"]), ""]
    lines += [f"- {plain(text)}" for text in [*view["notes"], *view["unfinished"], *view["skipped"]]]
    lines += [
        f"- **file not used** {plain(': '.join(filter(None, [problem['source'], problem['text']])))}"
        for problem in view["problems"]
    ]
    if lines[-1]:
        lines.append("")
    if view["attention"]:
        rows = [
            [entry["student"], entry["state"], entry["reason"] or "", entry["place"]] for entry in view["attention"]
        ]
        lines += ["## Failed or unknown", "", *markdown_table(["Student", "State", "Reason", "Where"], rows)]
        if retry:
            lines += [f"To retry only these, rerun the command with `--limit @{retry}`.", ""]
    lines += ["## Students and stages", ""]
    if view["students"]:
        rows = [
            [
                row["student"],
                row["state"],
                *(" ".join(filter(None, [cell["word"], cell["note"]])) for cell in row["cells"]),
            ]
            for row in view["students"]
        ]
        lines += markdown_table(["Student", "State", *view["stages"]], rows)
    lines += ["## Figures", ""]
    for window in view["windows"]:
        lines += [f"### {plain(window['name'])}", "", *([plain(window["note"]), ""] if window["note"] else [])]
        for group in window["groups"]:
            names = f" ({group['names']})" if group["names"] else ""
            lines += [plain(f"{group['label']}{names}: {group['settings']}"), ""]
            heads = ["Figure", "Median", "Lowest", "Highest", "With a value"]
            rows = [
                [
                    row["title"] + (f" ({row['hint']})" if row["hint"] else ""),
                    row["median"],
                    f"{row['lowest']} {row['lowest_student']}",
                    f"{row['highest']} {row['highest_student']}",
                    row["count"] + (f", {row['states']}" if row["states"] else ""),
                ]
                for row in group["rows"]
            ]
            lines += markdown_table(heads, rows, numbers_from=1) if rows else []
            lines += _distributions(group["distributions"])
    if not view["windows"]:
        lines += ["No student has measured a window yet.", ""]
    lines += ["## Far from the median", "", plain(view["about_outliers"]), ""]
    for entry in view["outliers"]:
        lines += [f"- {plain(entry['student'])}", *(f"  - {plain(text)}" for text in entry["texts"])]
    if not view["outliers"]:
        lines.append("None.")
    return "\n".join(lines).rstrip("\n") + "\n"
