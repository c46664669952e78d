# SPDX-License-Identifier: GPL-3.0-or-later
"""The changelog of people becomes that of Galaxy, and a release begins only from one that is ready."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import changelog
import release

PAGE = """\
# Changelog

Versions follow Semantic Versioning.

## Unreleased

### Renamed

| before | now |
|---|---|
| module `old` | `new` |

### Fixed

- A fault of `prometheus_info`, see [the page](docs/results.md#stage-file),
  and another_ one * of two.

### Added

- A tag.

## 0.2.0 (2026-12-01)

### Added

- The first.
"""


def test_each_entry_is_in_the_section_of_its_heading() -> None:
    unreleased, first = changelog.read(PAGE)
    assert unreleased.released is None
    assert first.released == ("0.2.0", "2026-12-01")
    assert unreleased.changes == {
        "breaking_changes": ["module `old` is now `new`."],
        "bugfixes": [
            "A fault of `prometheus_info`, see [the page](docs/results.md#stage-file), and another_ one * of two."
        ],
        "minor_changes": ["A tag."],
    }


def test_markup_becomes_that_of_ansible() -> None:
    [entry] = changelog.changes(changelog.read(PAGE)[0])["bugfixes"]
    assert entry == (
        "A fault of ``prometheus_info``, see `the page "
        "<https://github.com/temporal-lab/benchmarking/blob/main/docs/results.md#stage-file>`__, "
        "and another\\_ one \\* of two."
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("### Fixed", "### Mended", "CHANGELOG.md:13: '### Mended' is none of the sections"),
        ("- A tag.", "A tag.", "CHANGELOG.md:20: 'A tag.' is neither an entry"),
    ],
)
def test_what_would_be_lost_is_refused_with_its_line(before: str, after: str, said: str) -> None:
    with pytest.raises(changelog.Wrong) as refused:
        changelog.read(PAGE.replace(before, after))
    assert str(refused.value).startswith(said)


def test_only_released_versions_are_in_the_data() -> None:
    data = changelog.release(changelog.read(PAGE), {"ancestor": None, "releases": {}})
    assert data == {
        "ancestor": None,
        "releases": {"0.2.0": {"changes": {"minor_changes": ["The first."]}, "release_date": "2026-12-01"}},
    }
    assert yaml.safe_load(changelog.written(data)) == data


def test_a_release_dates_the_topmost_section() -> None:
    text = release.dated(PAGE, "0.3.0", "2026-12-24")
    assert changelog.read(text)[0].released == ("0.3.0", "2026-12-24")


@pytest.mark.parametrize("version", ["0.2.0", "0.1.9"])
def test_a_version_that_is_not_newer_is_refused(version: str) -> None:
    with pytest.raises(changelog.Wrong, match="not newer than"):
        release.dated(PAGE, version, "2026-12-24")


def test_without_entries_there_is_nothing_to_release() -> None:
    empty = "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-12-01)\n\n### Added\n\n- The first.\n"
    for text in (empty, PAGE.replace("## Unreleased", "## 0.3.0 (2026-12-02)")):
        with pytest.raises(changelog.Wrong, match="no section 'Unreleased'"):
            release.dated(text, "0.4.0", "2026-12-24")


def test_the_version_stands_where_a_release_writes_it() -> None:
    version = release.current()
    for name, form in release.PLACES.items():
        assert (release.ROOT / name).read_text().count(form.format(version)) == 1


def test_the_real_changelog_can_be_read() -> None:
    versions = changelog.read(changelog.PAGE.read_text(encoding="utf-8"))
    assert sum(len(found) for found in versions[0].changes.values()) > 0 or versions[0].released
