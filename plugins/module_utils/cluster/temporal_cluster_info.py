# SPDX-License-Identifier: GPL-3.0-or-later
"""Task temporal_cluster_info: what Temporal's frontend says of its cluster."""

from __future__ import annotations

from ..task import Context, Params, Result, Spec, Task, as_given
from .cluster import Cluster
from .connect import CLUSTER
from .temporal_api import TemporalApi, wait_for_frontend

SPEC: Spec = {
    **CLUSTER,
    "wait": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 120.0},
    "missing_hint": {"type": "str", "default": ""},
}


def run(params: Params, context: Context) -> Result:
    """Return ``history_shards``, ``server_version``, ``persistence_store``, ``namespaces``."""
    with Cluster.from_params(params) as cluster:
        api = TemporalApi(cluster, params["missing_hint"])
        info = wait_for_frontend(api, params["timeout"], context) if params["wait"] else api.cluster_info()
        return {
            "changed": False,
            "history_shards": info.history_shards,
            "server_version": info.server_version,
            "persistence_store": info.persistence_store,
            "namespaces": api.namespaces(),
        }


TASK = Task(SPEC, run, elsewhere=as_given)
