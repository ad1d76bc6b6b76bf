"""The end of programs, as threads see it that look at any moment."""

from typing import Any

from vcd_simulator.guests.processes import Program


def test_whoever_sees_that_a_program_has_ended_sees_its_exit_code() -> None:
    """Clients that are shown an end without an exit code crash."""
    seen: list[int | None] = []

    class Watched(Program):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "ended" and value is not None:
                seen.append(self.exit_code)

    Watched(pid=1, owner="root", name="sh", command_line="sh").end(3)
    assert seen == [3]


def test_what_is_to_be_noted_of_an_end_is_noted_before_those_go_on_who_wait_for_it() -> None:
    noted: list[tuple[int, bool]] = []
    program = Program(
        pid=1,
        owner="root",
        name="sh",
        command_line="sh",
        at_end=lambda code: noted.append((code, program.finished.done())),
    )
    program.end(3)
    program.end(4)
    assert (noted, program.finished.result(0)) == ([(3, False)], 3)
