"""What a cluster is and which rules hold for it. Knows no transport, no vCD and no clock."""
