"""Services start rules and registered jobs, by name, in the background, with a row in the journal."""

import sys
import threading
import time

import pytest

from agritwin.api import jobs
from agritwin.api.surroundings import SECRET
from agritwin.records import services
from tests.api.conftest import ON_SQLITE, OTHER, TWIN


@pytest.fixture
def forecast(admin):
    service = {"name": "forecast", "url": "rule:fit_forecast", "http_method": "POST"}
    assert admin.post("/service/insert-service", json=service).is_success
    return {"service_name": "forecast", "parameters": {"twin": TWIN}}


def test_rules_that_publish_are_jobs(root):
    known = jobs.jobs(root)
    assert {"job:refresh", "rule:fit_forecast", "rule:fit_yield", "rule:join_records", "rule:build_report"} <= set(
        known
    )
    parameters = jobs.checked(known["rule:fit_forecast"], {"twin": TWIN})
    assert known["rule:fit_forecast"].command(parameters)[-3:] == [
        f"results/{TWIN}/forecast.json",
        "--config",
        f"twin={TWIN}",
    ]
    refresh = jobs.checked(known["job:refresh"], {"twin": TWIN, "as_of": "2025-06-20"})
    assert known["job:refresh"].command(refresh)[-5:] == ["refresh", "--twin", TWIN, "--as-of", "2025-06-20"]


@ON_SQLITE
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/secret", "file:///etc/passwd", "rule:none", "job:rm", ""])
def test_addresses_are_never_kept(admin, url):
    answer = admin.post("/service/insert-service", json={"name": "mine", "url": url, "http_method": "GET"})
    assert answer.status_code == 422
    assert "rule:fit_forecast" in answer.json()["remedy"]
    assert admin.get("/service/list-services").json() == []


def test_a_service_named_like_a_rule_starts_it_whatever_its_address(admin):
    service = {"name": "fit_forecast", "url": "http://127.0.0.1:9/", "http_method": "POST"}
    answer = admin.post("/service/insert-service", json=service)
    assert (answer.status_code, len(answer.json()["warnings"])) == (201, 1)
    assert admin.get("/service/list-services").json() == [service | {"url": "rule:fit_forecast"}]


@ON_SQLITE
@pytest.mark.parametrize(
    "parameters", [{}, {"twin": "a; rm -rf /"}, {"twin": TWIN, "more": 1}, {"twin": ["x"]}, {"twin": "--help"}, [1]]
)
def test_parameters_that_do_not_fit_start_nothing(admin, forecast, parameters):
    assert admin.post("/service/run-service", json=forecast | {"parameters": parameters}).status_code == 422
    assert admin.post("/service/list-runs").json() == []


def test_a_run_concerns_a_twin_on_which_the_account_may_do_so(as_, forecast):
    adviser = as_("adviser")
    assert adviser.post("/service/run-service", json=forecast).status_code == 200
    other = forecast | {"parameters": {"twin": OTHER}}
    assert adviser.post("/service/run-service", json=other).status_code == 403
    assert len(as_("viewer").post("/service/list-runs").json()) == 1
    assert as_("stranger").post("/service/list-runs").json() == []


@pytest.fixture
def worker(around, monkeypatch):
    """Carry out what waits, with commands of the test's own; ``worker(code)`` returns when nothing waits."""
    monkeypatch.setattr(jobs, "PAUSE_S", 0.05)

    def carry_out(code, until=("done", "failed", "timed_out", "interrupted")):
        job = jobs.Job("a test's", jobs.JobParameters, lambda parameters: [sys.executable, "-c", code])
        monkeypatch.setattr(jobs, "jobs", lambda root: {"rule:fit_forecast": job})
        stop = threading.Event()
        thread = threading.Thread(target=jobs.work, args=(around, stop))
        thread.start()
        end = time.monotonic() + 20
        while time.monotonic() < end and services.runs(around.engine)[-1]["state"] not in until:
            time.sleep(0.02)
        stop.set()
        thread.join(20)

    return carry_out


@pytest.mark.parametrize(
    ("code", "state", "status", "log"),
    [
        ("print('all well')", "done", 200, "all well"),
        ("print('no data'); raise SystemExit(3)", "failed", 500, "no data"),
    ],
)
def test_the_journal_tells_how_a_run_ended(admin, forecast, worker, code, state, status, log):
    assert admin.post("/service/run-service", json=forecast).is_success
    worker(code)
    (run,) = admin.post("/service/list-runs").json()
    assert (run["response_status_code"], run["response_json"]["state"]) == (status, state)
    assert log in run["response_json"]["log"]
    assert run["response_json"]["asked_by"] == "admin@example.org"
    assert run["response_json"]["ended"] is not None


def test_stopping_the_server_interrupts_what_runs(admin, forecast, worker):
    assert admin.post("/service/run-service", json=forecast).is_success
    worker("import time; time.sleep(60)", until=("running",))
    assert admin.post("/service/list-runs").json()[0]["response_json"]["state"] == "interrupted"


def test_what_a_killed_server_left_running_is_told_so(admin, forecast, around, worker):
    for _ in range(2):
        assert admin.post("/service/run-service", json=forecast).is_success
    services.take_run(around.engine, around.now())
    worker("print()")
    states = [run["response_json"]["state"] for run in admin.post("/service/list-runs").json()]
    assert states == ["interrupted", "done"]


def test_the_secret_of_the_server_stays_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv(SECRET, "do not tell")
    tell = [sys.executable, "-c", "import os; print(dict(os.environ))"]
    state, _, log = jobs.execute(tell, tmp_path, threading.Event())
    assert state == "done"
    assert "do not tell" not in log


def test_a_command_has_a_time_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "PAUSE_S", 0.05)
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    state, code, _ = jobs.execute(sleeper, tmp_path, threading.Event(), limit_s=0.1)
    assert (state, code) == ("timed_out", -15)
