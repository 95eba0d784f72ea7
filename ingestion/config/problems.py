"""What is wrong in the config folder, collected so that one run shows all of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.errors import ConfigError


@dataclass(frozen=True)
class Problem:
    """One thing that must be mended.

    Attributes:
        where: File, line, and column or key: ``budgets.csv:3 amount``.
        what: What is wrong there.
        mend: What to write instead.
    """

    where: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.mend}"


@dataclass(frozen=True)
class ConfigWarning:
    """Something that is allowed but probably not meant."""

    where: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.mend}"


def raise_for(problems: Iterable[Problem], *, folder: str) -> None:
    """Do nothing if there are none.

    Raises:
        ConfigError: there are problems; it lists each with its place and its mend.
    """
    problems = list(problems)
    if len(problems) == 1:
        problem = problems[0]
        raise ConfigError(problem.what, where=f"{folder}/{problem.where}", mend=problem.mend)
    if problems:
        listed = "\n  - ".join(str(problem) for problem in problems)
        raise ConfigError(
            f"{len(problems)} problems in the configuration\n  - {listed}",
            where=folder,
            mend="mend each of the lines above; nothing was landed",
        )
