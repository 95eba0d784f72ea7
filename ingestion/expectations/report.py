"""What a suite found, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.errors import ContractError


@dataclass(frozen=True)
class Finding:
    """One expectation that was not met.

    Attributes:
        column: The column or columns that it is about.
        expectation: What it should do or be, to be read after the column's name and "should".
        unexpected_count: Rows that broke it; null where it is about the table as a whole.
        samples: A few of the values, without secrets.
    """

    column: str
    expectation: str
    unexpected_count: int | None
    samples: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{self.column} should {self.expectation}"
        if self.unexpected_count is not None:
            text += f": not so in {self.unexpected_count} rows"
        if self.samples:
            text += f", such as {', '.join(self.samples)}"
        return text


@dataclass(frozen=True)
class ValidationReport:
    """The result of one suite on one batch.

    Attributes:
        name: The table or mart.
        batch: What the batch was, such as its source; may be empty.
        row_count: Rows of the batch.
        expectation_count: Expectations that were checked.
        document: The result as Great Expectations gives it, without secrets, for the Data Docs.
    """

    name: str
    batch: str
    row_count: int
    expectation_count: int
    findings: tuple[Finding, ...]
    document: Mapping[str, Any] = field(repr=False)

    @property
    def success(self) -> bool:
        return not self.findings

    def raise_if_failed(self) -> None:
        """Do nothing if every expectation was met.

        Raises:
            ContractError: one was not; lists each.
        """
        if self.findings:
            listed = "\n  - ".join(map(str, self.findings))
            raise ContractError(
                f"{len(self.findings)} of {self.expectation_count} expectations are not met by {self.row_count} rows"
                f"\n  - {listed}",
                where=" from ".join(filter(None, (self.name, self.batch))),
                mend="nothing of this batch was admitted; mend it at its source, or its mapping, and land it again",
            )
