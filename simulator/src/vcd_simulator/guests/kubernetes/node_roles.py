"""What a node's role in the control plane is called, which depends on its release, and the taints that come with it."""

from vcd_simulator.guests.kubernetes.cluster import Node

_PREFIX = "node-role.kubernetes.io/"
_OLD, _NEW = "master", "control-plane"
_NEW_LABEL_SINCE, _NEW_TAINT_SINCE = 20, 24
"""The minor releases that began to use the new name; for a while nodes have both."""
_NO_OLD_LABEL_SINCE, _NO_OLD_TAINT_SINCE = 24, 25


def role_names(node: Node) -> tuple[str, ...]:
    """By which names a node is known as one of the control plane; none for all others."""
    return _names(node, _NEW_LABEL_SINCE, _NO_OLD_LABEL_SINCE)


def role_labels(node: Node) -> dict[str, str]:
    """The labels that kubeadm gives a node of the control plane."""
    return {f"{_PREFIX}{name}": "" for name in role_names(node)}


def taints_of(node: Node) -> tuple[tuple[str, str, str], ...]:
    """Key, value and effect of a node's taints, but for what cordoning adds."""
    if node.taints is not None:
        return node.taints
    return tuple((f"{_PREFIX}{name}", "", "NoSchedule") for name in _names(node, _NEW_TAINT_SINCE, _NO_OLD_TAINT_SINCE))


def _names(node: Node, new_since: int, no_old_since: int) -> tuple[str, ...]:
    if not node.control_plane:
        return ()
    minor = int(node.kubelet_version.split(".")[1])
    return (*((_NEW,) if minor >= new_since else ()), *((_OLD,) if minor < no_old_since else ()))
