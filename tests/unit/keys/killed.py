"""A process killed at a chosen step: from then on, every call that would change a file fails."""

import os
from collections.abc import Callable
from typing import Any

import pytest

#: The system calls by which Hearth changes files durably.
STEPS = ("fsync", "link", "replace", "rename", "unlink", "pwrite")


class Killed(BaseException):
    """Stands for SIGKILL: no `except Exception` catches it, and clean-up fails as well."""


def kill_at(step: int, patch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Kill this process before its `step`-th change of a file; returns a counter of the steps so far."""
    made = 0

    def counted(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def change(*arguments: Any, **named: Any) -> Any:
            nonlocal made
            if made >= step:
                raise Killed
            made += 1
            return call(*arguments, **named)

        return change

    for name in STEPS:
        patch.setattr(os, name, counted(name))
    return lambda: made
