# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dashboard's panels say: titles, legends, descriptions, and what is shown where there is no data."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.formatting import value_text
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import query
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import Figure
from dashboard_layout import Layout
from dashboard_queries import NOTHING


def title_of(figure: Figure) -> str:
    """The figure's title, with the quantile that is chosen above the panels instead of its own."""
    if figure.quantile is None:
        return figure.title
    own = f", p{query.number(figure.quantile * 100)}"
    return f"{figure.title.removesuffix(own)}, ${{quantile:text}}"


def smallest(figure: Figure) -> float | None:
    """The upper bound of the smallest bucket, in the figure's unit: values below it cannot be told apart."""
    source = query.choose(figure.selection, NOTHING)
    if figure.kind != "quantile" or source.smallest_bucket is None:
        return None
    return float(f"{source.smallest_bucket * source.scale:.12g}")


def legend_of(figure: Figure, alone: bool) -> str:
    """The name of a line; the title says the rest. alone: whether the panel has no other figure."""
    if figure.by:
        return f"{{{{{query.split_by(figure)}}}}}"
    if figure.kind == "quantile":
        return "${quantile:text}"
    return figure.short or figure.title if alone else figure.title


def absence(figures: Sequence[Figure]) -> str:
    """The text to show where there is no data, with the reasons that it can have."""
    kinds = {figure.absent for figure in figures}
    if any(figure.observer for figure in figures):
        return "No data: the kubelet is not scraped, or has nothing to tell"
    if kinds == {"zero"}:
        return "No data: these pods are not scraped"
    if "error" in kinds:
        return "No data: not scraped, nothing observed, or a metric that this server does not have"
    return "No data: not scraped, or nothing observed"


def description(figures: Sequence[Figure], layout: Layout, heatmap: bool = False) -> str:
    """What a panel answers, what to look for, what others report, and what missing data means."""
    parts = [figure.question for figure in figures]
    looks = [layout.look_for[figure.id] for figure in figures if figure.id in layout.look_for]
    parts += [f"**Look for:** {look}" for look in looks]
    for figure in figures:
        bound = smallest(figure)
        if bound is not None and heatmap:
            parts.append(f"The lowest row is all that took at most {value_text(bound, figure.unit)}.")
        elif bound is not None:
            parts.append(
                f"**Bound:** the dashed line at {value_text(bound, figure.unit)} is the smallest bucket. What is at or "
                f"below it is known to be at most {value_text(bound, figure.unit)}, and no more."
            )
        if figure.id in layout.advised and not heatmap and len(figures) == 1:
            advised = layout.advised[figure.id]
            parts.append(f"**Advice:** the dashed orange line at {value_text(advised.at, figure.unit)}. {advised.says}")
        elif figure.reference:
            parts.append(f"**For context:** {' '.join(figure.reference.split())}")
        if figure.direction in ("lower", "higher") and figure.thresholds:
            limits = (f"{state} at {value_text(at, figure.unit)}" for state, at in sorted(figure.thresholds.items()))
            parts.append(f"**Limits of the profile:** {', '.join(limits)}.")
    if all(figure.kind == "total" for figure in figures):
        parts.append("A bar is what was counted in one step; the legend has the sum over the time that is shown.")
    if all(figure.absent == "zero" and not figure.observer for figure in figures):
        pods = ", ".join(dict.fromkeys(name for figure in figures for name in figure.components))
        parts.append(f"Zero means that nothing was counted while {pods} was scraped; a gap, that it was not scraped.")
    else:
        parts.append("A gap means that nothing was measured: it is never zero.")
    return "\n\n".join(" ".join(part.split()) for part in parts)
