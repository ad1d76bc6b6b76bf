"""The command `cse sample`."""

import os
from importlib.resources import files
from pathlib import Path

import click


def sample_text() -> str:
    """A configuration with every section and key, each commented."""
    return (files("cse_cli") / "sample.yaml").read_text(encoding="utf-8")


@click.command(name="sample", short_help="Print a sample configuration.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file, readable by you only. A file that exists is left as it is.",
)
def command(output: Path | None) -> None:
    """Print a sample configuration: the sections and keys of CSE 1.2.x, each with a comment.

    \b
    Examples
        cse sample
        cse sample --output config.yaml
    """
    if output is None:
        click.echo(sample_text(), nl=False)
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{output} exists and is left as it is; name another file, or remove it") from None
    except OSError as exc:
        raise click.ClickException(f"{output} cannot be written: {exc.strerror}") from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(sample_text())
    click.echo(f"wrote {output}; fill in your own names and passwords, then run `cse check -c {output}`", err=True)
