"""`cse-clusters`, where it begins."""

import sys

from cse_core import runtime


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM, Ctrl-C or StopSystem; returns the exit code.

    Without `arguments` those of the process count, and the process is ours to begin anew.
    """
    if arguments is None:
        runtime.spare_memory()
    from cse_clusters.program import run  # noqa: PLC0415  # takes a second, which is not to be spent twice

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
