import logging

import httpx
import pytest
from pydantic import BaseModel

from agritwin import __version__
from agritwin.errors import SourceError
from agritwin.sources import http

URL = "https://example.test/data"


def get(handler, answers, **options):
    transport = answers(handler)
    with http.client(transport) as client:
        try:
            return http.get_json(client, URL, {"token": "s3cret"}, source="test", **options), transport
        except SourceError as error:
            return error, transport


def sequence(*responses):
    remaining = list(responses)

    def handler(request):
        answer = remaining.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def test_requests_name_the_client(answers):
    _, transport = get(lambda request: httpx.Response(200, json=1), answers)
    assert transport.requests[0].headers["user-agent"] == f"agritwin/{__version__}"


def test_nobody_waits_for_ever():
    with http.client() as client:
        assert (client.timeout.connect, client.timeout.read) == (10.0, 60.0)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(500),
        httpx.Response(503, text="<html>busy</html>"),
        httpx.Response(200),
        httpx.Response(200, text="<!DOCTYPE html><p>maintenance"),
        httpx.Response(200, text='{"hourly": {"time": ["2024-01'),
        httpx.ConnectError("connection refused"),
        httpx.ReadError("connection reset"),
        httpx.ReadTimeout("too slow"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    ],
    ids=str,
)
def test_a_failure_that_passes_is_repeated(failure, answers, waits):
    result, transport = get(sequence(failure, failure, httpx.Response(200, json={"a": 1})), answers)
    assert result == {"a": 1}
    assert len(transport.requests) == 3
    assert len(waits) == 2
    assert 0 < waits[0] < waits[1]


def test_a_web_page_is_called_one(answers, waits):
    error, _ = get(lambda request: httpx.Response(200, text="<html></html>"), answers)
    assert "sent a web page in place of data" in error.message


def test_tries_are_bounded_and_the_error_is_temporary(answers, waits):
    error, transport = get(lambda request: httpx.Response(502), answers)
    assert len(transport.requests) == http.PATIENCE.tries
    assert error.temporary
    assert error.message == "Source test: example.test/data answered 502."


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 422])
def test_lasting_refusals_are_not_repeated(status, answers, waits):
    error, transport = get(lambda request: httpx.Response(status, json={"reason": "no such variable"}), answers)
    assert (len(transport.requests), waits) == (1, [])
    assert not error.temporary
    assert f"answered {status}: no such variable" in error.message
    assert error.remedy


def test_retry_after_in_seconds_is_honoured(answers, waits):
    busy = httpx.Response(429, headers={"Retry-After": "17"})
    result, _ = get(sequence(busy, httpx.Response(200, json=1)), answers)
    assert (result, waits) == (1, [17.0])


def test_retry_after_as_a_date_is_counted_from_the_servers_own_clock(answers, waits):
    headers = {"Date": "Sun, 15 Jun 2025 10:00:00 GMT", "Retry-After": "Sun, 15 Jun 2025 10:00:42 GMT"}
    result, _ = get(sequence(httpx.Response(503, headers=headers), httpx.Response(200, json=1)), answers)
    assert (result, waits) == (1, [42.0])


def test_a_wait_beyond_the_budget_is_not_begun(answers, waits):
    error, transport = get(lambda request: httpx.Response(429, headers={"Retry-After": "3600"}), answers)
    assert (len(transport.requests), waits) == (1, [])
    assert error.temporary


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("Minutely API request limit exceeded.", [61.0]), ("Hourly API request limit exceeded.", [])],
)
def test_the_window_that_a_limit_names_is_waited_for_if_short(reason, expected, answers, waits):
    busy = httpx.Response(429, json={"error": True, "reason": reason})
    get(sequence(busy, httpx.Response(200, json=1)), answers)
    assert waits == expected


def test_secrets_appear_in_no_message_and_no_log(answers, waits, caplog):
    caplog.set_level(logging.DEBUG)
    reason = {"reason": "the token=s3cret is wrong"}
    denied, _ = get(lambda request: httpx.Response(403, json=reason), answers)
    failed, _ = get(sequence(*[httpx.ConnectError("https://example.test/?token=s3cret")] * 5), answers)
    assert "s3cret" not in caplog.text + str(denied) + str(failed)
    assert "HTTP Request: GET https://example.test/data?token=***" in caplog.text


def test_a_certificate_problem_says_what_to_set(answers, waits):
    error, _ = get(sequence(*[httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")] * 5), answers)
    assert "SSL_CERT_FILE" in error.message


def test_text_is_decoded_by_charset_then_utf8_then_latin9():
    assert http.text_of(httpx.Response(200, content="ñ".encode())) == "ñ"
    assert http.text_of(httpx.Response(200, content="ñ€".encode("iso-8859-15")), "iso-8859-15") == "ñ€"
    with pytest.raises(http.TransientError, match="damaged"):
        http.text_of(httpx.Response(200, content="ñ€".encode("iso-8859-15")))
    declared = {"content-type": "text/plain;charset=ISO-8859-15"}
    assert http.text_of(httpx.Response(200, content="€".encode("iso-8859-15"), headers=declared)) == "€"


def test_a_wrong_form_names_the_field():
    class Form(BaseModel):
        units: dict[str, str]

    with pytest.raises(SourceError, match="units: Field required") as caught:
        http.validated(Form, {"unit": {}}, "test")
    assert not caught.value.temporary
