"""Generates `libs/contracts` from `protos/`: messages, gRPC stubs and their type stubs.

    python scripts/gen_protos.py             rewrite the generated code (`make protos`)
    python scripts/gen_protos.py --check     fail if it is stale (`make protos-check`)

A change that would break callers built against the committed contract (`protos/contract.binpb`) is refused, unless
`--allow-breaking` is given.
"""

import argparse
import filecmp
import os
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from lint_protos import breaking_changes, load_descriptors

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "libs" / "contracts" / "src" / "cse"
CONTRACT = PROTOS / "contract.binpb"


def stage_operations_proto(into: Path) -> Path:
    """Copies `operations_proto.proto` to the name under which everybody imports it; returns the include root."""
    target = into / "google" / "longrunning" / "operations.proto"
    target.parent.mkdir(parents=True)
    source = resources.files("google.longrunning") / "operations_proto.proto"
    target.write_bytes(source.read_bytes())
    return into


def include_paths(staging: Path) -> list[str]:
    well_known = resources.files("grpc_tools") / "_proto"
    googleapis = Path(str(resources.files("google.api") / "annotations.proto")).parents[2]
    roots = [PROTOS, stage_operations_proto(staging / "include"), googleapis, well_known]
    return [f"--proto_path={root}" for root in roots]


def source_files() -> list[str]:
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


def run_protoc(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit("gen_protos: protoc failed; see its messages above")


def compile_descriptors(output: Path, *, with_comments: bool) -> descriptor_pb2.FileDescriptorSet:
    """Compiles `protos/` into one descriptor set at `output`, our own files only."""
    with tempfile.TemporaryDirectory() as staging:
        flags = ["--include_source_info"] if with_comments else []
        run_protoc(*include_paths(Path(staging)), *flags, f"--descriptor_set_out={output}", *source_files())
    return load_descriptors(output)


def generate(into: Path) -> None:
    """Writes the package `cse` into `into`."""
    with tempfile.TemporaryDirectory() as staging:
        out = Path(staging) / "out"
        out.mkdir()
        plugins = {"python": "", "grpc_python": "", "mypy": "quiet:", "mypy_grpc": "quiet:"}
        outputs = (f"--{name}_out={options}{out}" for name, options in plugins.items())
        run_protoc(*include_paths(Path(staging)), *outputs, *source_files())
        shutil.copytree(out / "cse", into, dirs_exist_ok=True)
    # `cse` is a regular package: a namespace package would let any stray directory of that name join it.
    for directory in [into, *(path for path in into.rglob("*") if path.is_dir())]:
        (directory / "__init__.py").write_text("")
    (into / "py.typed").write_text("")


def relative_files(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def differences(fresh: Path, committed: Path) -> list[str]:
    names = relative_files(fresh) | relative_files(committed)
    _, changed, missing = filecmp.cmpfiles(fresh, committed, sorted(map(str, names)), shallow=False)
    return sorted([*changed, *missing])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the generated code is stale")
    parser.add_argument("--allow-breaking", action="store_true", help="accept changes that break existing callers")
    arguments = parser.parse_args()
    # protoc finds its plug-ins for type stubs on the PATH; ours are those of this interpreter's environment.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with tempfile.TemporaryDirectory() as scratch:
        fresh, contract = Path(scratch) / "cse", Path(scratch) / "contract.binpb"
        fresh.mkdir()
        generate(fresh)
        compiled = compile_descriptors(contract, with_comments=False)
        if arguments.check:
            stale = differences(fresh, GENERATED)
            if not CONTRACT.exists() or contract.read_bytes() != CONTRACT.read_bytes():
                stale.append("protos/contract.binpb")
            if stale:
                sys.exit("stale, run `make protos`: " + ", ".join(stale))
            return
        if CONTRACT.exists() and not arguments.allow_breaking:
            breaking = breaking_changes(load_descriptors(CONTRACT), compiled)
            if breaking:
                sys.exit("breaking changes (see --allow-breaking):\n  " + "\n  ".join(breaking))
        shutil.rmtree(GENERATED, ignore_errors=True)
        shutil.copytree(fresh, GENERATED)
        shutil.copyfile(contract, CONTRACT)


if __name__ == "__main__":
    main()
