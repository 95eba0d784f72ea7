"""The one error family: every error says what is wrong, where, and how to mend it."""

from __future__ import annotations


class TokenAtlasError(Exception):
    """Base of every error that a user can act on.

    Args:
        what: What is wrong, in one sentence without a full stop.
        where: The file, line, URL path, table or setting that it concerns.
        mend: What the user can do about it.
    """

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        self.what = what
        self.where = where
        self.mend = mend
        super().__init__(self.__str__())

    def __str__(self) -> str:
        text = self.what
        if self.where:
            text += f"\n  where: {self.where}"
        if self.mend:
            text += f"\n  mend:  {self.mend}"
        return text


class ConfigError(TokenAtlasError):
    """A file in the config folder, or an environment variable, cannot be used."""


class ProviderError(TokenAtlasError):
    """A provider's API answered with something that cannot be used."""


class AuthenticationError(ProviderError):
    """The provider does not accept the key (401)."""


class PermissionDeniedError(ProviderError):
    """The key is valid but lacks the scope (403)."""


class RateLimitError(ProviderError):
    """The provider kept answering 429 until the patience ran out."""


class MalformedResponseError(ProviderError):
    """A body is cut, not JSON, or lacks a required field."""


class RepeatedCursorError(ProviderError):
    """A page cursor came back a second time, which would loop for ever."""


class LakeError(TokenAtlasError):
    """The lake is locked, damaged, or was asked for what it does not hold."""


class ContractError(TokenAtlasError):
    """A batch breaks its Great Expectations suite and is not admitted."""


class PriceBookError(TokenAtlasError):
    """A price cannot be resolved or an override is contradictory."""


class SeriesGapError(TokenAtlasError):
    """A day is missing from a series that must have none."""
