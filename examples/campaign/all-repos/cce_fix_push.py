"""Pushes for all-repos by `cce-fix pr`, which makes branch, commit and request itself."""
from __future__ import annotations

import subprocess
from typing import NamedTuple


class Settings(NamedTuple):
    arguments: list[str]


def push(settings: Settings, branch_name: str) -> None:
    # all-repos has changed into a clone whose remote `origin` is the forge; what it committed there stays there.
    subprocess.run(('cce-fix', 'pr', *settings.arguments), check=True)
