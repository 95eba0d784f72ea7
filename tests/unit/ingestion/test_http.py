"""The one HTTP client, against a small local server."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ingestion.errors import (
    AuthenticationError,
    ConfigError,
    MalformedResponseError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RepeatedCursorError,
)
from ingestion.http import Cursor, HttpClient, NotFoundError, RetryPolicy, UnreachableError
from tests.unit.ingestion.providers.fake_server import Answer, Asked, FakeProvider, Script

KEY = "sk-admin-Very-Secret-0123456789"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
PAGE = Cursor("page", "next_page")


class Sleeps(list[float]):
    """Stands for waiting: takes no time and remembers how long it would have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client_for(url: str, sleeps: Sleeps | None = None, **more: object) -> HttpClient:
    """A client that never really waits and whose jitter does nothing."""
    settings: dict[str, object] = {
        "key": KEY,
        "sleep": sleeps if sleeps is not None else Sleeps(),
        "jitter": lambda: 1.0,
        "now": lambda: NOW,
        **more,
    }
    return HttpClient(url, **settings)  # type: ignore[arg-type]  # a test's shorthand


def ask(script: Script, sleeps: Sleeps | None = None, **more: object) -> dict[str, object]:
    with FakeProvider({"/things": script}) as provider, client_for(provider.url, sleeps, **more) as client:
        return client.get("things")


def test_numbers_keep_every_digit() -> None:
    """A fraction or exponent comes as the exact decimal that was sent, an integer as an int."""
    body = ask([Answer('{"a": 0.1234567890123456789012345, "b": 1E-9, "c": 7}')])
    assert body == {"a": Decimal("0.1234567890123456789012345"), "b": Decimal("1E-9"), "c": 7}


def test_key_and_repeated_parameters_are_sent() -> None:
    """The key goes into its header, a sequence into a repeated parameter."""
    header = ("x-api-key", "")
    with (
        FakeProvider({"/v1/x": [Answer()]}) as provider,
        client_for(provider.url + "/v1/", key_header=header, headers={"version": "7"}) as client,
    ):
        client.get("/x", {"group_by[]": ("a", "b"), "limit": 3})
    (asked,) = provider.asked
    assert asked.params == {"group_by[]": ["a", "b"], "limit": ["3"]}
    assert (asked.headers["x-api-key"], asked.headers["version"]) == (KEY, "7")


@pytest.mark.parametrize(
    ("status", "error", "word"),
    [
        (401, AuthenticationError, "401"),
        (403, PermissionDeniedError, "403"),
        (404, NotFoundError, "404"),
        (400, ProviderError, "400"),
        (302, ProviderError, "302"),
    ],
)
def test_a_refusal_is_not_repeated(status: int, error: type[ProviderError], word: str) -> None:
    """A status that asking again cannot change raises at once, with what the provider said and how to mend it."""
    sleeps = Sleeps()
    with pytest.raises(error, match=word) as caught:
        ask([Answer({"error": {"message": "No way"}}, status)], sleeps)
    assert type(caught.value) is error
    assert "No way" in caught.value.what
    assert caught.value.mend
    assert sleeps == []


def test_an_endpoint_knows_its_own_remedy() -> None:
    """The endpoint's advice for a status replaces the general one."""
    with (
        FakeProvider({"/things": [Answer({}, 403)]}) as provider,
        client_for(provider.url) as client,
        pytest.raises(PermissionDeniedError) as caught,
    ):
        client.get("things", mend={403: "Give it `Usage: Read`."})
    assert caught.value.mend == "Give it `Usage: Read`."


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    """The second answer counts, and the counter tells what it took."""
    sleeps = Sleeps()
    script = {"/things": [Answer({}, status), Answer({"ok": True})]}
    with FakeProvider(script) as provider, client_for(provider.url, sleeps) as client:
        assert client.get("things") == {"ok": True}
    assert sleeps == [0.5]
    assert (client.counts.request_count, client.counts.retry_count, client.counts.waited_seconds) == (2, 1, 0.5)


def test_waits_double_and_end() -> None:
    """Without a word from the provider the waits double, and a lasting failure ends after the last attempt."""
    sleeps = Sleeps()
    with pytest.raises(ProviderError, match=r"500.*4 tries"):
        ask([Answer({}, 500)], sleeps, policy=RetryPolicy(attempts=4))
    assert sleeps == [0.5, 1.0, 2.0]


def test_jitter_shortens_a_wait_by_up_to_half() -> None:
    """Clients that failed together do not come back together."""
    sleeps = Sleeps()
    ask([Answer({}, 500), Answer({}, 500), Answer()], sleeps, jitter=lambda: 0.0)
    assert sleeps == [0.25, 0.5]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "2500", "retry-after": "60"}, 2.5),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0.5),
        ({"retry-after": "0"}, 0.5),
        ({"retry-after": "soon"}, 0.5),
        ({"retry-after": "-4"}, 0.5),
        ({"retry-after": "86400"}, 120.0),
    ],
)
def test_the_provider_says_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    """Milliseconds, seconds and HTTP dates are honoured up to 120 s; nonsense falls back to the own backoff."""
    sleeps = Sleeps()
    ask([Answer({}, 429, headers), Answer()], sleeps)
    assert sleeps == [seconds]


def test_a_storm_of_429_ends_with_the_patience() -> None:
    """Rate limits outlast the attempts but not the patience; the error says so."""
    sleeps = Sleeps()
    with pytest.raises(RateLimitError, match="asks to wait 20 s") as caught:
        ask([Answer({}, 429, {"retry-after": "20"})], sleeps, policy=RetryPolicy(attempts=2, patience_seconds=100))
    assert sleeps == [20.0] * 5
    assert "[6 tries, 100 s of waiting]" in caught.value.what


def test_a_rate_limit_that_waiting_cannot_cure_is_final() -> None:
    """An exhausted quota is a 429 too; the provider says that retrying is no use."""
    sleeps = Sleeps()
    with pytest.raises(RateLimitError):
        ask([Answer({}, 429, {"x-should-retry": "false"})], sleeps)
    assert sleeps == []


CUT_BODIES = {
    "the connection breaks": Answer('{"data": [1, 2', lost_bytes=50),
    "the length fits, the JSON does not": Answer('{"data": [{"amount": {"value": "1.2'),
    "nothing came": Answer(""),
    "a number is not JSON": Answer('{"data": NaN}'),
    "an exponent is absurd": Answer('{"data": 1E+9999999999999999999999}'),
}


@pytest.mark.parametrize("cut", CUT_BODIES.values(), ids=CUT_BODIES.keys())
def test_a_cut_body_is_asked_for_again(cut: Answer) -> None:
    """Half an answer is no answer: it is neither used nor an error as long as a whole one follows."""
    assert ask([cut, Answer({"data": []})]) == {"data": []}


def test_a_body_that_stays_cut_is_an_error() -> None:
    """The error says that the body is not whole, and where."""
    with pytest.raises(MalformedResponseError, match="not whole") as caught:
        ask([Answer('{"data": [')], policy=RetryPolicy(attempts=2))
    assert caught.value.where.endswith("/things")


@pytest.mark.parametrize(
    "body", ["<html>Sign in</html>", "[1, 2]", '"text"'], ids=["a login page", "a list", "a JSON text"]
)
def test_an_answer_of_another_kind_is_an_error_at_once(body: str) -> None:
    """What is no JSON object will not become one by asking again."""
    sleeps = Sleeps()
    with pytest.raises(MalformedResponseError):
        ask([Answer(body)], sleeps)
    assert sleeps == []


def test_a_server_that_is_not_there_is_unreachable() -> None:
    """A refused connection is tried again, then told apart from an error of the provider."""
    sleeps = Sleeps()
    with FakeProvider({}) as provider:
        url = provider.url
    with client_for(url, sleeps, policy=RetryPolicy(attempts=3)) as client, pytest.raises(UnreachableError):
        client.get("things")
    assert len(sleeps) == 2


def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy from the environment would receive the key of a local provider."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask([Answer({"ok": 1})]) == {"ok": 1}


def all_pages(pages: Callable[[Asked], Answer], cursor: Cursor) -> list[object]:
    with FakeProvider({"/list": pages}) as provider, client_for(provider.url) as client:
        return [page["data"] for page in client.pages("list", {"limit": 2}, cursor)]


def test_pages_follow_the_cursor() -> None:
    """Every page comes once, with the parameters of the first."""

    def pages(asked: Asked) -> Answer:
        assert asked.params["limit"] == ["2"]
        number = int(asked.params.get("page", ["0"])[0])
        return Answer({"data": number, "has_more": number < 2, "next_page": str(number + 1)})

    assert all_pages(pages, PAGE) == [0, 1, 2]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_cursor_that_repeats_is_an_error(length: int) -> None:
    """A cursor that comes back, at once or later, would loop for ever."""

    def pages(asked: Asked) -> Answer:
        number = int(asked.params.get("page", ["0"])[0])
        return Answer({"data": [], "has_more": True, "next_page": str((number + 1) % length)})

    with pytest.raises(RepeatedCursorError, match="twice"):
        all_pages(pages, PAGE)


def test_more_without_a_cursor_ends_openai_and_fails_anthropic() -> None:
    """A null cursor is the end where the provider means it so, and an error where it would lose pages."""

    def pages(asked: Asked) -> Answer:
        return Answer({"data": 1, "has_more": True, "next_page": None})

    assert all_pages(pages, Cursor("page", "next_page", null_ends=True)) == [1]
    with pytest.raises(MalformedResponseError, match="next_page"):
        all_pages(pages, PAGE)


def test_a_listing_must_say_whether_it_ends() -> None:
    """Without `has_more` nobody knows whether the listing is whole."""
    with pytest.raises(MalformedResponseError, match="has_more"):
        all_pages(lambda asked: Answer({"data": []}), PAGE)


ECHO = {"error": {"message": f"Incorrect API key provided: {KEY}. Header was Bearer {KEY}, also sk-admi***6789"}}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(ECHO, 401),
        Answer(ECHO, 403),
        Answer(ECHO, 418),
        Answer(ECHO, 429),
        Answer(ECHO, 500),
        Answer('{"cut', lost_bytes=9),
    ],
)
def test_the_key_is_in_no_error_and_no_log(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the message, not in the chain of causes, not in any log record of any library, even if it is echoed."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ProviderError) as caught:
        ask([answer], policy=RetryPolicy(attempts=2, patience_seconds=1))
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert caplog.records
    assert KEY not in told
    assert "sk-admi***6789" not in told


def test_query_values_are_not_shown() -> None:
    """An error names the parameters; only harmless values such as times are shown."""
    with FakeProvider({}) as provider, client_for(provider.url) as client, pytest.raises(NotFoundError) as caught:
        client.get("x", {"page": "opaque-cursor", "start_time": 5, "after": KEY})
    assert "start_time=5, after=…" in caught.value.where
    assert "opaque-cursor" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  ", "sk-a\nb-secret", "sk-ü-secret", "sk secret"])
def test_a_key_that_no_header_can_carry_is_refused_unshown(key: str) -> None:
    """The HTTP library would print such a key in its own error."""
    with pytest.raises(AuthenticationError) as caught:
        client_for("http://127.0.0.1:1", key=key)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "api.openai.com/v1", "ftp://x", "https://user:pa55@x/v1", "https://x/v1?key=pa55"])
def test_a_base_url_with_a_secret_or_without_a_host_is_refused(url: str) -> None:
    """Addresses appear in messages, so they may not hold secrets."""
    with pytest.raises(ConfigError) as caught:
        client_for(url)
    assert "pa55" not in str(caught.value)
