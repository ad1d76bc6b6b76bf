"""Errors of steps come back from the journal as they went in."""

import pytest

from cse_core import errors
from cse_core.errors import CseError, InvalidArgumentError
from cse_core.operations import OperationError
from cse_operations.run import error_of

CLASSES = [known for known in vars(errors).values() if isinstance(known, type) and issubclass(known, CseError)]


class FinerError(errors.ConflictError):
    """A service's own."""


@pytest.mark.parametrize("known", CLASSES)
def test_every_error_of_our_tree_comes_back(known: type[CseError]) -> None:
    values = {"vapp": "v", "message": "m", "reason": "r"}
    if issubclass(known, InvalidArgumentError):
        error: CseError = known("text", field="spec.name", reason="FINER")
    else:
        error = known("text", reason="FINER")
    error.details.update(values)
    back = error_of(OperationError.of(error))
    assert type(back) is known
    assert (back.message, back.code, back.details, str(back)) == (error.message, error.code, error.details, "text")


def test_an_error_of_a_services_own_comes_back_as_the_class_it_was_derived_from() -> None:
    assert type(error_of(OperationError.of(FinerError("busy")))) is errors.ConflictError
