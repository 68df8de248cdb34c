"""Tokens: short lives, rotation, revocation, throttling; the clock is a test's own."""

from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
import sqlalchemy as sa

from agritwin.api.surroundings import SECRET, secret_from_environment
from agritwin.errors import ConfigError
from agritwin.records import accounts
from agritwin.records.database import reading
from tests.api.conftest import ADMIN, PASSWORD, log_in


@pytest.fixture
def tokens(client):
    return client.post("/auth/login", json={"email": ADMIN, "password": PASSWORD}).json()


def me(client, token):
    return client.get("/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code


def refresh(client, token):
    return client.post("/auth/refresh", headers={"Authorization": f"Bearer {token}"})


def test_an_access_token_lives_a_quarter_of_an_hour(client, tokens, clock):
    clock.pass_by(minutes=14, seconds=59)
    assert me(client, tokens["access_token"]) == 200
    clock.pass_by(seconds=1)
    assert me(client, tokens["access_token"]) == 401


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(client, tokens):
    assert me(client, tokens["refresh_token"]) == 401
    assert refresh(client, tokens["access_token"]).status_code == 401


def test_a_refresh_token_is_good_once_and_a_copy_ends_the_session(client, tokens, clock):
    clock.pass_by(days=6)
    second = refresh(client, tokens["refresh_token"]).json()
    assert me(client, second["access_token"]) == 200
    assert refresh(client, tokens["refresh_token"]).status_code == 401
    assert me(client, second["access_token"]) == 401
    assert refresh(client, second["refresh_token"]).status_code == 401


def test_a_refresh_token_expires(client, tokens, clock):
    clock.pass_by(days=7)
    assert refresh(client, tokens["refresh_token"]).status_code == 401


def test_logging_out_ends_both_tokens_at_once(client, tokens):
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.post("/auth/logout", headers=header).json() == {"detail": "Logged out"}
    assert me(client, tokens["access_token"]) == 401
    assert refresh(client, tokens["refresh_token"]).status_code == 401


@pytest.mark.parametrize("key", ["another secret, also long enough", ""])
def test_tokens_of_another_hand_are_refused(client, tokens, key):
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    forged = jwt.encode(claims, key or None, "HS256" if key else "none")
    assert me(client, forged) == 401


def test_five_wrong_passwords_close_the_account_for_a_while(client, clock):
    wrong = {"email": ADMIN, "password": "not the password"}
    for _ in range(accounts.FAILURES_PER_ACCOUNT):
        assert client.post("/auth/login", json=wrong).status_code == 401
    refused = client.post("/auth/login", json={"email": ADMIN.upper(), "password": PASSWORD})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    log_in(client, "owner@example.org")  # the others are not concerned
    clock.pass_by(minutes=15)
    log_in(client, ADMIN)


def test_passwords_tried_at_once_are_counted_like_others(engine, clock):
    def attempt(number):
        try:
            return accounts.check_password(engine, ADMIN, f"wrong {number}", "there", clock())
        except accounts.ThrottledError:
            return "throttled"

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(attempt, range(12)))
    assert answers.count(None) == accounts.FAILURES_PER_ACCOUNT
    clock.pass_by(minutes=16)
    attempt(0)
    with reading(engine) as connection:  # what no longer counts is not kept
        assert connection.scalar(sa.select(sa.func.count()).select_from(accounts.login_failures)) == 2


def test_one_origin_cannot_try_many_accounts(client):
    for number in range(accounts.FAILURES_PER_ORIGIN):
        assert client.post("/auth/login", json={"email": f"u{number}@x.org", "password": "p"}).status_code == 401
    assert client.post("/auth/login", json={"email": ADMIN, "password": PASSWORD}).status_code == 429


def test_passwords_are_kept_as_argon2_hashes_and_never_told(engine, admin):
    with engine.connect() as connection:
        hashes = connection.exec_driver_sql("SELECT password_hash FROM parties").scalars().all()
    assert all(text.startswith("$argon2id$") for text in hashes)
    refused = admin.post("/user/create-user", json={"email": 7, "password": "a secret word"})
    assert refused.status_code == 422
    assert "a secret word" not in refused.text
    short = admin.post("/user/create-user", json={"email": "a@b.org", "password": "short"})
    assert (short.status_code, short.json()["remedy"]) == (422, "Use 8 to 200 characters.")


def test_the_secret_comes_from_the_environment_alone(monkeypatch):
    for value in ("", "too short"):
        monkeypatch.setenv(SECRET, value)
        with pytest.raises(ConfigError, match=SECRET):
            secret_from_environment()
    monkeypatch.setenv(SECRET, "x" * 32)
    assert secret_from_environment() == "x" * 32
