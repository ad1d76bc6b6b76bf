"""What tenants need not install."""

import subprocess
import sys

BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)
sys.meta_path.insert(0, Blocked())
"""
SERVER = {
    "cse", "cse_clusters", "cse_core", "cse_gateway", "cse_lab", "cse_templates", "cse_vcd", "google", "grpc", "pika",
    "pydantic", "pyVim", "pyVmomi", "rich", "structlog", "vcd_simulator",
}  # fmt: skip


def python(code: str, blocked: set[str], cwd: str) -> subprocess.CompletedProcess[str]:
    program = BLOCK.format(blocked=blocked) + code
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env={"HOME": cwd, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_the_plug_in_needs_nothing_of_the_services(tmp_path: object) -> None:
    done = python(
        "import vcd_cli.vcd, cse_cli.vcd_plugin.cse\nvcd_cli.vcd.vcd(['cse', 'version'])", SERVER, str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("CSE, ")


def test_without_the_server_parts_cse_says_what_to_install(tmp_path: object) -> None:
    for command in ("check", "run"):
        done = python(f"from cse_cli.main import main\nsys.argv[1:] = ['{command}']\nmain()", SERVER, str(tmp_path))
        assert done.returncode == 1
        assert "pip install 'cse-cli[server]'" in done.stderr
        assert "Traceback" not in done.stderr


def test_help_and_version_need_no_server_parts(tmp_path: object) -> None:
    for arguments in (["-h"], ["version"], ["sample"], ["plugin", "install"]):
        done = python(f"from cse_cli.main import main\nsys.argv[1:] = {arguments}\nmain()", SERVER, str(tmp_path))
        assert done.returncode == 0, done.stderr
