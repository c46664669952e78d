# SPDX-License-Identifier: GPL-3.0-or-later
"""The workload of the lab: a Temporal worker and a soak test that gives it workflows to run."""
