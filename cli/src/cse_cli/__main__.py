"""`python -m cse_cli` is `cse`."""

from cse_cli.main import main

main()
