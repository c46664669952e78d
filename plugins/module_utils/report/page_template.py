# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jinja2 template of report.html; a string, because only Python files reach a managed host."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f6f8; --card: #ffffff; --ink: #1b2430; --muted: #5b6673; --line: #dde2e8; --soft: #f0f3f6;
  --accent: #1f5fbf; --good: #146c43; --bad: #b3261e; --warn: #8a5300; --quiet: #5b6673;
  --good-soft: #e3f3ea; --bad-soft: #fce8e6; --warn-soft: #fdf1dc; --quiet-soft: #edf0f3;
  --plot-grid: #e4e8ed; --plot-window: #3f6fb5; --plot-on-window: #ffffff; --plot-event: #b4501e; --plot-bar: #b3c4dc;
  --plot-line-1: #1f5fbf; --plot-line-2: #c2410c; --plot-line-3: #0f7b62; --plot-line-4: #8b3fb0;
  --plot-line-5: #a16207; --plot-line-6: #be2a5b; --plot-line-7: #4b5563; --plot-line-8: #0e7490;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #11161c; --card: #1a2129; --ink: #e4e9ef; --muted: #9aa7b5; --line: #2f3944; --soft: #222b35;
    --accent: #7fb0f5; --good: #7fd1a2; --bad: #ff9d94; --warn: #f2bd6b; --quiet: #a9b4c0;
    --good-soft: #173226; --bad-soft: #40201e; --warn-soft: #3a2c14; --quiet-soft: #29323c;
    --plot-grid: #2b343f; --plot-window: #7fa6e0; --plot-on-window: #10161d; --plot-event: #f0925c; --plot-bar: #47586f;
    --plot-line-1: #7fb0f5; --plot-line-2: #f59b6b; --plot-line-3: #5fcfae; --plot-line-4: #cf96ee;
    --plot-line-5: #ddb04e; --plot-line-6: #f58bad; --plot-line-7: #b6c0cc; --plot-line-8: #62c3d9;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
main, body > header { max-width: 66rem; margin: 0 auto; padding: 0 1.25rem; }
body > header { padding-top: 2rem; }
main { padding-bottom: 3rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .35rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
.eyebrow { margin: 0; font-size: .9rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .75rem; }
h3 { font-size: 1rem; line-height: 1.3; margin: 0; }
p { margin: 0 0 .75rem; max-width: 80ch; }
a { color: var(--accent); }
.muted, .hint { color: var(--muted); }
.hint { font-size: .8rem; font-weight: 400; display: block; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; padding: 0; margin: 1rem 0; }
.meta { display: flex; flex-wrap: wrap; gap: .6rem 2rem; margin: 1.1rem 0 0; }
.meta dt { font-size: .8rem; color: var(--muted); }
.meta dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.versions { font-size: .9rem; margin: .8rem 0 0; max-width: none; }
.versions b { color: var(--ink); font-weight: 600; }
.notice { border-left: 4px solid var(--warn); background: var(--warn-soft); padding: .7rem 1rem; margin: 1.1rem 0 0;
  border-radius: 0 6px 6px 0; max-width: none; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem;
  margin: 0 0 1.25rem; }
.scroll { overflow-x: auto; margin: 0 -1.25rem; padding: 0 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: .925rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .45rem .9rem .45rem 0; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: .8rem; color: var(--muted); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 600; }
tbody tr:last-child > *, tfoot tr:last-child > * { border-bottom: 0; }
tfoot th, tfoot td { border-top: 2px solid var(--line); font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.message { width: 100%; min-width: 11rem; }
.figures th[scope="row"] { min-width: 10.5rem; }
.figures thead .number { white-space: normal; min-width: 6rem; }
.change, .by { display: block; font-size: .8rem; color: var(--muted); }
.by { white-space: nowrap; }
.block { display: block; }
.unknown { color: var(--muted); font-style: italic; }
.state { display: inline-block; font-size: .78rem; font-weight: 600; line-height: 1.35; padding: .08rem .5rem;
  border-radius: 1rem; white-space: nowrap; background: var(--quiet-soft); color: var(--quiet); }
.state.done, .state.pass { background: var(--good-soft); color: var(--good); }
.state.failed, .state.fail, .state.error, .state.unreadable, .state.file {
  background: var(--bad-soft); color: var(--bad); }
.state.warn, .state.inconclusive { background: var(--warn-soft); color: var(--warn); }
.mark { display: inline-block; min-width: 1.5rem; text-align: center; font-size: .78rem; font-weight: 700;
  border-radius: 4px; padding: 0 .3rem; }
.mark.window { background: var(--plot-window); color: var(--plot-on-window); }
.mark.event { color: var(--plot-event); border: 1px solid currentColor; }
figure { margin: 1.4rem 0 0; break-inside: avoid; }
section > figure:first-of-type { margin-top: .5rem; }
.readings { font-size: .85rem; color: var(--muted); margin: .15rem 0 0; max-width: none; }
#timeline .readings { margin-bottom: 1rem; }
.pair .facts { grid-template-columns: 10rem 1fr; }
.readings b { color: var(--ink); font-weight: 600; white-space: nowrap; }
.drawing { display: block; width: 100%; min-width: 640px; height: auto; font-family: inherit; }
.drawing * { stroke-linejoin: round; stroke-linecap: butt; }
.drawing text { font-variant-numeric: tabular-nums; stroke: none; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.25rem; list-style: none; margin: .2rem 0 0; padding: 0;
  font-size: .82rem; color: var(--muted); overflow-wrap: anywhere; }
.legend svg { width: 28px; height: 8px; margin-right: .4rem; vertical-align: middle; }
.problems { list-style: none; margin: 0; padding: 0; }
.problems li { padding: .5rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.problems li:last-child { border-bottom: 0; padding-bottom: 0; }
.facts { margin: .25rem 0 1.25rem; display: grid; grid-template-columns: 14rem 1fr; gap: .3rem 1.25rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.facts ul { margin: 0; padding-left: 1.1rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 0 2.5rem; }
details { border-top: 1px solid var(--line); padding: .55rem 0; }
details:last-child { padding-bottom: 0; }
summary { cursor: pointer; font-weight: 600; }
details .scroll, details > p { margin-top: .6rem; }
details > .label { margin-bottom: -.3rem; }
.details td { white-space: nowrap; }
.details th[scope="row"] { min-width: 9rem; }
#known .facts { margin-bottom: 0; }
#known li { padding: .1rem 0; }
.remarks { list-style: none; margin: .6rem 0; padding: 0; font-size: .9rem; max-width: 90ch; }
.remarks li { padding: .15rem 0; overflow-wrap: anywhere; }
pre { background: var(--soft); border-radius: 6px; padding: .6rem .8rem; margin: .6rem 0; font-size: .85rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  main, body > header { padding-left: .75rem; padding-right: .75rem; }
  section { padding: 1rem .9rem; border-radius: 8px; }
  .scroll { margin: 0 -.9rem; padding: 0 .9rem; }
  .facts, .pair .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: .5rem; }
  .figures th[scope="row"], .details th[scope="row"] {
    position: sticky; left: 0; min-width: 8rem; max-width: 9.5rem; background: var(--card);
    box-shadow: -.9rem 0 0 var(--card); }
}
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; font-size: 11px; }
  body { font-size: 1rem; }
  body > header { margin-bottom: 1.5rem; }
  nav { display: none; }
  section { border: 0; padding: 0; margin: 0 0 1.5rem; }
  .scroll { overflow: visible; margin: 0; padding: 0; }
  .drawing { min-width: 0; }
  tr, li { break-inside: avoid; }
  h2, h3, thead { break-after: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""

PAGE = """\
{%- macro figure_table(rows, caption) %}
<div class="scroll" tabindex="0" role="region" aria-label="{{ caption }}">
<table class="figures">
<thead>
<tr><th scope="col">Figure</th>
{%- for column in view.columns %}
<th scope="col" class="number"><span class="mark window">{{ column.letter }}</span> {{ column.stage }}
{%- if column.title %}<span class="hint">{{ column.title }}</span>{% endif %}</th>
{%- endfor %}</tr>
</thead>
<tbody>
{%- for row in rows %}
<tr><th scope="row">{{ row.title }}{% if row.hint %}<span class="hint">{{ row.hint }}</span>{% endif %}</th>
{%- for cell in row.cells %}
<td class="number">
{%- if cell.state and cell.text == cell.state %}<span class="unknown">{{ cell.text }}</span>
{%- else %}{{ cell.text }}{% endif %}
{%- if cell.change %}<span class="change">{{ cell.change }}</span>{% endif %}
{%- if cell.range and cell.range != cell.text %}<span class="by">{{ cell.range }}</span>
{%- elif cell.by|length > 1 and not cell.range %}
{%- for label, value in cell.by %}<span class="by" title="{{ label }}">{{ label|tail }}: {{ value }}</span>{% endfor %}
{%- endif %}
{%- if cell.word %}<span class="block"><span class="state {{ cell.state }}">{{ cell.word }}</span></span>{% endif -%}
</td>
{%- endfor %}</tr>
{%- endfor %}
</tbody>
</table>
</div>
{%- endmacro -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ view.student }}, run {{ view.run }} – Temporal benchmarking lab</title>
<style>{{ style }}</style>
</head>
<body>
<header>
<p class="muted eyebrow">Temporal benchmarking lab</p>
<h1>{{ view.student }}</h1>
<p>{{ view.summary }}</p>
<dl class="meta">
{%- for name, value in view.header %}
<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>
{%- endfor %}
</dl>
{%- if view.versions %}
<p class="muted versions">
{%- for name, value in view.versions %}{{ name }} <b>{{ value }}</b>{{ " · " if not loop.last }}{% endfor %}</p>
{%- endif %}
{%- if view.first_look %}
<p class="notice">{{ view.first_look }}</p>
{%- endif %}
<nav aria-label="Sections"><ul>
<li><a href="#stages">Stages</a></li>
{%- if view.problems %}
<li><a href="#problems">Problems ({{ view.problems|length }})</a></li>
{%- endif %}
<li><a href="#figures">Figures</a></li>
{%- if view.shards %}<li><a href="#shards">Shards</a></li>{% endif %}
<li><a href="#timeline">Time line</a></li>
<li><a href="#plots">Plots</a></li>
{%- if view.facts %}<li><a href="#facts">What the stages found</a></li>{% endif %}
<li><a href="#setup">Versions and settings</a></li>
{%- if view.known.rows %}
<li><a href="#known">How well they are known</a></li>
{%- endif %}
<li><a href="#queries">Queries</a></li>
</ul></nav>
</header>
<main>
<section id="stages" aria-labelledby="stages-title">
<h2 id="stages-title">Stages</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Stages">
<table>
<thead>
<tr>
<th scope="col">Stage</th>
<th scope="col">State</th>
<th scope="col" class="message">Message</th>
<th scope="col" class="number">Started (UTC)</th>
<th scope="col" class="number">Took</th>
<th scope="col" class="number">Attempts</th>
</tr></thead>
<tbody>
{%- for stage in view.stages %}
<tr>
<th scope="row">{{ stage.stage }}</th>
<td><span class="state {{ stage.state }}">{{ stage.word }}</span></td>
<td class="message">{{ stage.message }}
{%- for note in stage.notes %}<span class="hint">{{ note }}</span>{% endfor %}</td>
<td class="number">{{ stage.started }}</td>
<td class="number">{{ stage.duration }}</td>
<td class="number">{{ stage.attempts }}</td>
</tr>
{%- endfor %}
</tbody>
</table>
</div>
</section>
{%- if view.problems %}
<section id="problems" aria-labelledby="problems-title">
<h2 id="problems-title">Problems</h2>
<ul class="problems">
{%- for problem in view.problems %}
<li><span class="state {{ problem.state }}">{{ problem.word }}</span> {{ problem.text }}
{%- if problem.effect %}<span class="hint">Effect: {{ problem.effect }}</span>{% endif %}
{%- if problem.cure %}<span class="hint">Cure: {{ problem.cure }}</span>{% endif %}
{%- if problem.stages %}<span class="hint">Found in: {{ problem.stages }}</span>
{%- else %}
{%- for source in problem.sources %}<span class="hint">{{ source }}</span>{% endfor %}
{%- endif %}</li>
{%- endfor %}
</ul>
</section>
{%- endif %}
<section id="figures" aria-labelledby="figures-title">
<h2 id="figures-title">Figures</h2>
{%- if view.key %}
<p class="muted">Each window with its change against the window before it.
The letters are those of the time line and the plots.
{%- if view.bounds %} {{ view.bounds }}{% endif %}</p>
{{ figure_table(view.key, "Key figures") }}
{%- if view.other %}
<details><summary>{{ view.other|length }} more {{ "figure" if view.other|length == 1 else "figures" }}</summary>
{{ figure_table(view.other, "More figures") }}
</details>
{%- endif %}
{%- else %}
<p>No stage of this run has measured a window yet.</p>
{%- endif %}
</section>
{%- if view.shards %}
<section id="shards" aria-labelledby="shards-title">
<h2 id="shards-title">Shards of each history pod</h2>
{%- for table in view.shards %}
{%- if view.shards|length > 1 %}
<h3>{{ table.stage }}</h3>
{%- endif %}
<p>{{ table.sentences|join(" ") }}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Shards of each history pod">
<table>
<thead>
<tr>
<th scope="col">Pod</th>
<th scope="col" class="number">Before</th>
<th scope="col" class="number">After</th>
<th scope="col" class="number">Share after</th>
</tr></thead>
<tbody>
{%- for row in table.rows %}
<tr>
<th scope="row">{{ row.pod }}</th>
<td class="number">{{ row.before }}</td>
<td class="number">{{ row.after }}</td>
<td class="number">{{ row.share }}</td>
</tr>
{%- endfor %}
</tbody>
<tfoot>
<tr>
<th scope="row">Sum</th>
<td class="number">{{ table.before }}</td>
<td class="number">{{ table.after }}</td>
<td></td>
</tr></tfoot>
</table>
</div>
{%- endfor %}
</section>
{%- endif %}
<section id="timeline" aria-labelledby="timeline-title">
<h2 id="timeline-title">Time line</h2>
{%- if timeline %}
<figure><div class="scroll" tabindex="0" role="region" aria-label="Time line, drawn">{{ timeline }}</div>
<figcaption class="readings">Time since the run's start.
Thin bars are stages, thick bars with a letter are windows, dashed lines with a number are events.</figcaption></figure>
{%- endif %}
{%- if view.moments %}
<div class="scroll" tabindex="0" role="region" aria-label="Events and windows">
<table>
<thead>
<tr>
<th scope="col">Mark</th>
<th scope="col" class="number">Since start</th>
<th scope="col" class="number">UTC</th>
<th scope="col">Stage</th>
<th scope="col">What</th>
</tr></thead>
<tbody>
{%- for moment in view.moments %}
<tr>
<td><span class="mark {{ moment.kind }}">{{ moment.mark }}</span></td>
<td class="number">{{ moment.offset }}</td>
<td class="number">{{ moment.clock }}</td>
<td>{{ moment.stage }}</td>
<td>{{ moment.what }}</td>
</tr>
{%- endfor %}
</tbody>
</table>
</div>
{%- else %}
<p>No event and no window was recorded.</p>
{%- endif %}
</section>
<section id="plots" aria-labelledby="plots-title">
<h2 id="plots-title">Plots</h2>
{%- if plots %}
<p class="muted">All plots share the time line's axis: time since the run's start.
Windows are shaded, events are dashed lines, and where nothing was measured no line is drawn.</p>
{%- for plot in plots %}
<figure>
<figcaption><h3>{{ plot.title }}{% if plot.unit %} <span class="muted">({{ plot.unit }})</span>{% endif %}</h3>
{%- if plot.question %}
<p class="readings">{{ plot.question }}</p>
{%- endif %}
<p class="readings">
{%- for letter, text in plot.readings %}{{ letter }} <b>{{ text }}</b>{{ " · " if not loop.last }}{% endfor %}</p>
</figcaption>
<div class="scroll" tabindex="0" role="region" aria-label="{{ plot.title }}, plotted">{{ plot.svg }}</div>
{%- if plot.legend %}
<ul class="legend">
{%- for label, property, dash in plot.legend %}
<li><svg viewBox="0 0 28 8" aria-hidden="true"><line x1="0" y1="4" x2="28" y2="4" stroke-width="2"
{%- if dash %} stroke-dasharray="{{ dash }}"{% endif %} style="stroke:var(--{{ property }})"/></svg>{{ label }}</li>
{%- endfor %}
</ul>
{%- endif %}
</figure>
{%- endfor %}
{%- else %}
<p>No series of points was recorded for a key figure.</p>
{%- endif %}
</section>
{%- if view.facts %}
<section id="facts" aria-labelledby="facts-title">
<h2 id="facts-title">What the stages found</h2>
{%- for stage in view.facts %}
<h3>{{ stage.stage }}</h3>
<dl class="facts">
{%- for item in stage["items"] %}
<dt>{{ item.name }}</dt>
<dd>
{%- if item.findings is defined %}
{%- if item.findings %}<ul>
{%- for finding in item.findings %}
<li><span class="state {{ finding.state }}">{{ finding.state }}</span> {{ finding.title }}
{%- if finding.effect %}<span class="hint">Effect: {{ finding.effect }}</span>{% endif %}
{%- if finding.cure %}<span class="hint">Cure: {{ finding.cure }}</span>{% endif %}</li>
{%- endfor %}
</ul>{% else %}none{% endif %}
{%- elif item.lines is defined %}<ul>{% for line in item.lines %}<li>{{ line }}</li>{% endfor %}</ul>
{%- else %}{{ item.text }}{% endif -%}
</dd>
{%- endfor %}
</dl>
{%- endfor %}
</section>
{%- endif %}
<section id="setup" aria-labelledby="setup-title">
<h2 id="setup-title">Versions and settings</h2>
<div class="pair">
{%- for title, rows in (("Versions", view.versions), ("Settings", view.settings)) %}
<div><h3>{{ title }}</h3>
{%- if rows %}
<dl class="facts">
{%- for name, value in rows %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>
{%- endfor %}
</dl>
{%- else %}
<p>None was recorded.</p>
{%- endif %}
</div>
{%- endfor %}
</div>
</section>
{%- if view.known.rows %}
<section id="known" aria-labelledby="known-title">
<h2 id="known-title">How well the figures are known</h2>
<dl class="facts known">
{%- for row in view.known.rows %}
<dt>{{ row.name }}</dt>
<dd>{{ row.text }}
{%- if row["items"] %}
<ul>
{%- for item in row["items"] %}
<li>{{ item.text }}{% if item.figures %}<span class="hint">{{ item.figures }}</span>{% endif %}</li>
{%- endfor %}
</ul>
{%- endif %}</dd>
{%- endfor %}
</dl>
</section>
{%- endif %}
<section id="queries" aria-labelledby="queries-title">
<h2 id="queries-title">Queries</h2>
<p class="muted">{{ view.about_queries }}</p>
{%- for figure in view.queries %}
<details><summary>{{ figure.title }} <code class="muted">{{ figure.id }}</code></summary>
{%- for text in (figure.question, figure.reference) if text %}
<p class="muted">{{ text }}</p>
{%- endfor %}
{%- if figure.metrics %}
<p class="muted">Worked out from the raw samples of
{%- for name in figure.metrics %} <code>{{ name }}</code>{{ "," if not loop.last }}{% endfor %}.</p>
{%- endif %}
<div class="scroll" tabindex="0" role="region" aria-label="{{ figure.title }}, details">
<table class="details">
<thead>
<tr>
<th scope="col">Window</th>
{%- for head in figure.heads %}
<th scope="col"{% if head.number %} class="number"{% endif %}>{{ head.title }}</th>
{%- endfor %}
</tr></thead>
<tbody>
{%- for row in figure.rows %}
<tr>
<th scope="row"><span class="mark window">{{ row.letter }}</span> {{ row.name }}</th>
{%- for head in figure.heads %}
<td{% if head.number %} class="number"{% endif %}>
{%- set text, added = row[head.name] %}
{%- if head.name == "state" %}<span class="state {{ text }}">{{ text }}</span>
{%- else %}{{ text or "–" }}{% if added %}<span class="hint">{{ added }}</span>{% endif %}{% endif -%}
</td>
{%- endfor %}
</tr>
{%- endfor %}
</tbody>
</table>
</div>
{%- if figure.remarks %}
<ul class="remarks">
{%- for remark in figure.remarks %}
<li>
{%- for letter in remark.letters %}<span class="mark window">{{ letter }}</span> {% endfor %}{{ remark.text }}</li>
{%- endfor %}
</ul>
{%- endif %}
{%- for item in figure.queries %}
{%- set windows = ", for " ~ item.letters|join(", ") if item.letters else "" %}
{%- if item.query %}
<p class="muted label">In PromQL{{ windows }}:</p>
<pre>{{ item.query }}</pre>
{%- else %}
<p>Worked out from other figures, without a query of its own{{ windows }}.</p>
{%- endif %}
{%- endfor %}
{%- for query in figure.plotted %}
<p class="muted label">For the plot:</p>
<pre>{{ query }}</pre>
{%- endfor %}
</details>
{%- else %}
<p>None.</p>
{%- endfor %}
</section>
</main>
</body>
</html>
"""
