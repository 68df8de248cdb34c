"""The first administrator comes from the command line; a password is never an argument and never shown."""

import pytest
from typer.testing import CliRunner

from agritwin.cli import app
from agritwin.cli.users import PASSWORD as VARIABLE
from tests.api.conftest import TWIN, empty

MAIL = "ana@example.org"


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request, workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    monkeypatch.delenv("AGRITWIN_RECORDS", raising=False)
    if request.param == "postgresql":
        store = request.getfixturevalue("shared_postgresql")
        empty(store)
        monkeypatch.setenv("AGRITWIN_RECORDS", store.url.render_as_string(hide_password=False))
    monkeypatch.setenv(VARIABLE, "a secret of the tests")

    def call(*words, code=0, **more):
        done = CliRunner().invoke(app, ["users", *words], **more)
        assert done.exit_code == code, done.output
        return done.output

    return call


def test_the_life_of_an_account(run):
    run("add", MAIL, "--role", "admin")
    run("add", "ben@example.org", "--role", "worker", "--twin", TWIN)
    run("role", "ben@example.org", "owner", "--twin", TWIN)
    listed = run("list")
    assert MAIL in listed and "owner on" in listed
    assert "argon2" not in listed and "a secret of the tests" not in listed
    run("password", MAIL)
    run("remove", MAIL, code=2)  # the last administrator
    run("remove", "ben@example.org", code=2)  # the only owner of a twin
    run("add", MAIL, code=2)  # there already
    run("add", "c@example.org", "--role", "worker", code=2)  # on which twin?
    run("add", "c@example.org", "--role", "worker", "--twin", "47-1", code=2)
    run("role", "nobody@example.org", "owner", "--twin", TWIN, code=2)


def test_a_password_is_asked_for_twice_and_hidden(run, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    shown = run("add", MAIL, input="typed by hand\ntyped by hand\n")
    assert "typed by hand" not in shown


@pytest.mark.parametrize(("secret", "complaint"), [(None, "is not set"), ("short", "has 5 characters")])
def test_serving_needs_a_secret_and_an_administrator(run, monkeypatch, secret, complaint):
    monkeypatch.delenv("AGRITWIN_JWT_SECRET", raising=False)
    if secret:
        monkeypatch.setenv("AGRITWIN_JWT_SECRET", secret)
    done = CliRunner().invoke(app, ["serve", "--api"])
    assert (done.exit_code, complaint in done.output) == (2, True)
    monkeypatch.setenv("AGRITWIN_JWT_SECRET", "x" * 40)
    done = CliRunner().invoke(app, ["serve", "--api"])
    assert (done.exit_code, "no administrator" in done.output) == (2, True)
