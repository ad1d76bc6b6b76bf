"""Kubernetes clusters inside guests: what kubeadm sets up and kubectl shows."""
