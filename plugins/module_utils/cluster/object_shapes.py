# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab reads of the Kubernetes API's objects, and of which shape each part of it must be.

Objects are checked once, where they are read: what judges them afterwards takes them apart as they are.
"""

from __future__ import annotations

import re

from ..http.shape import Shape, anything, each, fitting, flag, mapping, record, text, text_or_whole, whole
from .predicates import seconds

#: A Kubernetes quantity, of a size that a float holds.
_QUANTITY = re.compile(
    r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i)?"
)

TIME = fitting(seconds, "time")
LABELS = mapping(text)
QUANTITIES = mapping(fitting(_QUANTITY.fullmatch, "quantity"))

#: Names are at most so long whatever they are of; they are shown, and kept in results.
NAME = fitting(lambda name: 0 < len(name) <= 253, "name")
_METADATA: dict[str, Shape] = {
    "namespace": text,
    "uid": text,
    "resourceVersion": text,
    "labels": LABELS,
    "annotations": LABELS,
    "creationTimestamp": TIME,
    "deletionTimestamp": TIME,
    "generation": whole,
    "ownerReferences": each(record(uid=text, kind=text, name=text)),
    "finalizers": each(text),
    "managedFields": each(
        record(manager=text, operation=text, subresource=text, time=TIME, fieldsV1=mapping(anything))
    ),
}
METADATA = record({"name": NAME}, **_METADATA)
#: Of an object that was asked for by its name.
UNNAMED = record(name=NAME, **_METADATA)
CONDITIONS = each(
    record({"type": text}, status=text, reason=text, message=text, lastTransitionTime=TIME, lastUpdateTime=TIME)
)
SELECTOR = record(
    matchLabels=LABELS,
    matchExpressions=each(record({"key": text, "operator": text}, values=each(text))),
)
CONTAINER = record(
    {"name": NAME},
    image=text,
    env=each(record({"name": text}, value=text, valueFrom=mapping(anything))),
    ports=each(record(containerPort=whole, name=text)),
    resources=record(requests=QUANTITIES, limits=QUANTITIES),
    restartPolicy=text,
)
POD_SPEC = record(nodeName=text, containers=each(CONTAINER), initContainers=each(CONTAINER))
_ENDED = record(exitCode=whole, reason=text, message=text)
_STATE = record(running=mapping(anything), waiting=record(reason=text, message=text), terminated=_ENDED)
_CONTAINER_STATUSES = each(
    record({"name": text}, ready=flag, restartCount=whole, image=text, state=_STATE, lastState=_STATE)
)
TEMPLATE = record({"spec": record({"containers": each(CONTAINER)})}, metadata=record(labels=LABELS))

OBJECT = record({"metadata": UNNAMED}, spec=mapping(anything), status=record(conditions=CONDITIONS))
LISTED = record({"metadata": METADATA})
DEPLOYMENT = record(
    {"metadata": METADATA, "spec": record({"selector": SELECTOR, "template": TEMPLATE}, replicas=whole, paused=flag)},
    status=record(
        observedGeneration=whole,
        replicas=whole,
        updatedReplicas=whole,
        readyReplicas=whole,
        availableReplicas=whole,
        conditions=CONDITIONS,
    ),
)
POD = record(
    {"metadata": METADATA, "spec": POD_SPEC},
    status=record(
        phase=text,
        podIP=text,
        reason=text,
        message=text,
        conditions=CONDITIONS,
        containerStatuses=_CONTAINER_STATUSES,
        initContainerStatuses=_CONTAINER_STATUSES,
    ),
)
NODE = record(
    {"metadata": METADATA},
    spec=record(unschedulable=flag),
    status=record(allocatable=QUANTITIES, conditions=CONDITIONS, images=each(record(names=each(text)))),
)
NAMESPACE = record(
    {"metadata": METADATA},
    spec=record(finalizers=each(text)),
    status=record(phase=text, conditions=CONDITIONS),
)
SERVICE = record(
    {"spec": record(selector=LABELS, ports=each(record({"port": whole}, name=text, targetPort=text_or_whole)))},
)
ENDPOINT_SLICE = record(addressType=text, endpoints=each(record(addresses=each(text))))
SECRET = record({"metadata": UNNAMED}, data=LABELS)
CONFIGMAP = SECRET

#: By kind, as in URLs; of others only what every object has is read.
SHAPES: dict[str, Shape] = {
    "deployments": DEPLOYMENT,
    "pods": POD,
    "nodes": NODE,
    "namespaces": NAMESPACE,
    "services": SERVICE,
    "endpointslices": ENDPOINT_SLICE,
    "secrets": SECRET,
    "configmaps": CONFIGMAP,
}


def shape_of(kind: str, metadata_only: bool = False) -> Shape:
    """The shape of one object of a kind. metadata_only: nothing but its metadata was asked for."""
    return OBJECT if metadata_only else SHAPES.get(kind, OBJECT)


def listed_shape(kind: str, metadata_only: bool = False) -> Shape:
    """The shape of an object in a list, which is known by its name alone."""
    return LISTED if metadata_only else SHAPES.get(kind, LISTED)
