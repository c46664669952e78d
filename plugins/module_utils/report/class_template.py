# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jinja2 template of class.html; its look is that of a student's report."""

from __future__ import annotations

#: What a class needs besides the style of a student's report.
CLASS_STYLE = """
.matrix { font-size: .85rem; }
.matrix th, .matrix td { padding: .3rem .5rem .3rem 0; white-space: nowrap; }
.matrix .state { font-size: .72rem; padding: .08rem .4rem; }
.matrix tfoot tr + tr > * { border-top: 0; }
.state.nothing { border: 1px dashed currentColor; background: none; }
.state.absent { background: none; font-weight: 400; }
.name { display: block; font-size: .8rem; color: var(--muted); white-space: nowrap; }
.plain { padding-left: 1.1rem; margin: 0 0 .75rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  .matrix th[scope="row"] { position: sticky; left: 0; min-width: 5.5rem; max-width: 9.5rem;
    overflow-wrap: anywhere; white-space: normal;
    background: var(--card); box-shadow: -.9rem 0 0 var(--card); }
}
@media print {
  /* Once at the end, not at the foot of every sheet. */
  .matrix tfoot { display: table-row-group; }
  .matrix { font-size: .8rem; }
  .matrix th, .matrix td { padding-right: .3rem; }
  .state { border: 1px solid currentColor; }
}
"""

PAGE = """\
{%- macro student(name, report) -%}
{% if report %}<a href="{{ report }}">{{ name }}</a>{% else %}{{ name }}{% endif %}
{%- endmacro -%}
{%- macro state(name, word) -%}
<span class="state {{ name }}">{{ word }}</span>
{%- endmacro -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>The class – Temporal benchmarking lab</title>
<style>{{ style }}</style>
</head>
<body>
<header>
<p class="muted eyebrow">Temporal benchmarking lab</p>
<h1>The class</h1>
<p>{{ view.summary }}</p>
{%- for text in view.notes %}
<p class="notice">{{ text }}</p>
{%- endfor %}
<nav aria-label="Sections"><ul>
{%- if view.attention %}
<li><a href="#attention">Failed or not known ({{ view.attention|length }})</a></li>
{%- endif %}
<li><a href="#students">Students and stages</a></li>
<li><a href="#figures">Figures</a></li>
<li><a href="#outliers">Far from the median ({{ view.outliers|length }})</a></li>
{%- if view.problems %}
<li><a href="#problems">Problems ({{ view.problems|length }})</a></li>
{%- endif %}
</ul></nav>
</header>
<main>
{%- if view.attention %}
<section id="attention" aria-labelledby="attention-title">
<h2 id="attention-title">Failed or not known</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Students that failed or are not known">
<table>
<thead>
<tr>
<th scope="col">Student</th>
<th scope="col">State</th>
<th scope="col" class="message">Reason</th>
</tr></thead>
<tbody>
{%- for entry in view.attention %}
<tr>
<th scope="row">{{ student(entry.student, entry.report) }}</th>
<td>{{ state(entry.state, entry.state) }}</td>
<td class="message">{{ entry.reason }}{% if entry.place %}<span class="hint">{{ entry.place }}</span>{% endif %}</td>
</tr>
{%- endfor %}
</tbody>
</table>
</div>
{%- if retry %}
<p class="muted">To do just these again: the same command with <code>--limit @{{ retry }}</code></p>
{%- endif %}
</section>
{%- endif %}
<section id="students" aria-labelledby="students-title">
<h2 id="students-title">Students and stages</h2>
{%- if view.unfinished or view.skipped %}
<ul class="plain">
{%- for text in view.unfinished + view.skipped %}
<li>{{ text }}</li>
{%- endfor %}
</ul>
{%- endif %}
{%- if view.students %}
<div class="scroll" tabindex="0" role="region" aria-label="Students and stages">
<table class="matrix">
<thead>
<tr>
<th scope="col">Student</th>
<th scope="col">State</th>
{%- for stage in view.stages %}
<th scope="col">{{ stage }}</th>
{%- endfor %}
</tr></thead>
<tbody>
{%- for row in view.students %}
<tr>
<th scope="row">{{ student(row.student, row.report) }}</th>
<td>{{ state(row.state, row.state) }}</td>
{%- for cell in row.cells %}
<td>{{ state(cell.state, cell.word) }}{% if cell.note %}<span class="hint">{{ cell.note }}</span>{% endif %}</td>
{%- endfor %}
</tr>
{%- endfor %}
</tbody>
<tfoot>
{%- for head in view.stage_states.heads %}
{%- set place = loop.index0 %}
<tr>
<th scope="row">{{ head.word }}</th>
<td></td>
{%- for _name, counts in view.stage_states.rows %}
<td>{{ counts[place] }}</td>
{%- endfor %}
</tr>
{%- endfor %}
</tfoot>
</table>
</div>
{%- endif %}
</section>
<section id="figures" aria-labelledby="figures-title">
<h2 id="figures-title">Figures</h2>
{%- for window in view.windows %}
<h3>{{ window.name }}</h3>
{%- if window.note %}
<p>{{ window.note }}</p>
{%- endif %}
{%- for group in window.groups %}
<p class="readings">{{ group.label }}{% if group.names %} ({{ group.names }}){% endif %}: {{ group.settings }}</p>
<div class="scroll" tabindex="0" role="region" aria-label="{{ window.name }}, {{ group.label }}">
<table class="figures">
<thead>
<tr>
<th scope="col">Figure</th>
<th scope="col" class="number">Median</th>
<th scope="col" class="number">Lowest</th>
<th scope="col" class="number">Highest</th>
<th scope="col" class="number">With a value</th>
</tr></thead>
<tbody>
{%- for row in group.rows %}
<tr>
<th scope="row">{{ row.title }}{% if row.hint %}<span class="hint">{{ row.hint }}</span>{% endif %}</th>
<td class="number">{{ row.median }}</td>
<td class="number">{{ row.lowest }}<span class="name">{{ row.lowest_student }}</span></td>
<td class="number">{{ row.highest }}<span class="name">{{ row.highest_student }}</span></td>
<td class="number">{{ row.count }}{% if row.states %}<span class="name">{{ row.states }}</span>{% endif %}</td>
</tr>
{%- endfor %}
</tbody>
</table>
</div>
{%- endfor %}
{%- else %}
<p>No student has measured a window yet.</p>
{%- endfor %}
</section>
<section id="outliers" aria-labelledby="outliers-title">
<h2 id="outliers-title">Far from the median</h2>
<p class="muted">{{ view.about_outliers }}</p>
{%- if view.outliers %}
<ul class="plain">
{%- for entry in view.outliers %}
<li><b>{{ entry.student }}</b>
{%- if entry.texts|length > 1 %}<ul>{% for text in entry.texts %}<li>{{ text }}</li>{% endfor %}</ul>
{%- else %}: {{ entry.texts[0] }}{% endif %}</li>
{%- endfor %}
</ul>
{%- else %}
<p>None.</p>
{%- endif %}
</section>
{%- if view.problems %}
<section id="problems" aria-labelledby="problems-title">
<h2 id="problems-title">Problems</h2>
<ul class="problems">
{%- for problem in view.problems %}
<li><span class="state file">file not used</span> {{ problem.text }}
{%- if problem.source %}<span class="hint">{{ problem.source }}</span>{% endif %}</li>
{%- endfor %}
</ul>
</section>
{%- endif %}
</main>
</body>
</html>
"""
