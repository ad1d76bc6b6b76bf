"""Kinds of objects: which there are, which belong to no namespace, and how else they may be written."""

NODE_KINDS = ("node", "nodes", "no")
_BOUND = """
    pod service configmap secret serviceaccount endpoints event persistentvolumeclaim resourcequota limitrange
    replicationcontroller daemonset deployment replicaset statefulset job cronjob ingress networkpolicy role rolebinding
    poddisruptionbudget horizontalpodautoscaler
"""
_FREE = """
    node namespace persistentvolume componentstatus storageclass clusterrole clusterrolebinding podsecuritypolicy
    customresourcedefinition apiservice priorityclass csidriver csinode validatingwebhookconfiguration
    mutatingwebhookconfiguration
"""
UNBOUND = frozenset(_FREE.split())
"""Kinds that belong to no namespace."""
KINDS = UNBOUND | frozenset(_BOUND.split())
_PLURALS = {
    "no": "node",
    "po": "pod",
    "ns": "namespace",
    "ds": "daemonset",
    "deploy": "deployment",
    "rs": "replicaset",
    "sts": "statefulset",
    "svc": "service",
    "cm": "configmap",
    "sa": "serviceaccount",
    "ing": "ingress",
    "ingresses": "ingress",
    "netpol": "networkpolicy",
    "networkpolicies": "networkpolicy",
    "sc": "storageclass",
    "storageclasses": "storageclass",
    "pv": "persistentvolume",
    "pvc": "persistentvolumeclaim",
    "cs": "componentstatus",
    "componentstatuses": "componentstatus",
    "ep": "endpoints",
    "ev": "event",
    "crd": "customresourcedefinition",
    "crds": "customresourcedefinition",
    "psp": "podsecuritypolicy",
    "podsecuritypolicies": "podsecuritypolicy",
    "priorityclasses": "priorityclass",
    "quota": "resourcequota",
    "hpa": "horizontalpodautoscaler",
    "pdb": "poddisruptionbudget",
}


def singular(kind: str) -> str:
    """The name of a kind, of whatever short form or plural a user may write."""
    kind = kind.lower()
    kind = kind.partition(".")[0] if kind.partition(".")[0] in _PLURALS or kind.partition(".")[0] in KINDS else kind
    if kind in _PLURALS:
        return _PLURALS[kind]
    return kind[:-1] if kind.endswith("s") and kind[:-1] in KINDS else kind
