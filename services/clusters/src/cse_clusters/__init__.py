"""The cluster manager: clusters, nodes, kubeconfigs, operations and the state of the service, over gRPC."""

__version__ = "0.1.0"
