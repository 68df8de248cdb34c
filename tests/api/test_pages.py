"""Pages and interface in one process: a login before anything, and each twin for who may read it."""

import socket
import threading
import time

import httpx
import pytest
import uvicorn

from agritwin.api.application import create_app
from agritwin.api.pages import COOKIE, inside, mount_app
from tests.api.conftest import ON_SQLITE, PASSWORD
from tests.report import holding


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("made")
    holding.make(made)
    return made


@pytest.fixture
def server(folder, workspace, around, monkeypatch):
    """The whole application behind uvicorn, as ``agritwin serve --api`` runs it."""
    for name in ("data", "results"):
        (workspace / name).symlink_to(folder / name)
    monkeypatch.chdir(workspace)
    app = create_app(around, worker=False)
    mount_app(app, around)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(20)


def browser(server, name):
    client = httpx.Client(base_url=server, timeout=60)
    answer = client.post("/login", data={"email": f"{name}@example.org", "password": PASSWORD, "next": "/"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return client


@ON_SQLITE
def test_pages_ask_for_a_login_and_show_each_the_own_twins(server, engine):
    from agritwin.records import accounts
    from agritwin.records.people import set_role

    set_role(engine, accounts.find_account(engine, "stranger@example.org").party_id, holding.TWIN, "viewer")
    anonymous = httpx.Client(base_url=server, timeout=60)
    for address in ("/", f"/twin?id={holding.TWIN}"):
        answer = anonymous.get(address)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/login?next=/")
    assert anonymous.get("/series").status_code == 401
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert anonymous.get("/ws", headers=upgrade | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}).status_code == 403
    form = anonymous.get("/login?lang=en")
    assert "Log in" in form.text and "http" not in form.text.replace("http-equiv", "")
    wrong = anonymous.post("/login", data={"email": "viewer@example.org", "password": "wrong"})
    assert (wrong.status_code, COOKIE in wrong.cookies) == (401, False)

    allowed, others = browser(server, "stranger"), browser(server, "viewer")
    assert "La Prueba" in allowed.get("/").text
    assert "La Prueba" not in others.get("/").text
    assert "La Prueba" not in others.get(f"/twin?id={holding.TWIN}").text
    assert browser(server, "nobody").get("/").status_code == 302

    cookie = next(cookie for cookie in allowed.cookies.jar if cookie.name == COOKIE)
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert allowed.get("/series").status_code == 401  # the cookie is for pages alone
    assert httpx.get(f"{server}/series", headers={"Authorization": f"Bearer {cookie.value}"}).status_code == 401
    kept = {COOKIE: cookie.value}
    assert allowed.post("/logout").headers["location"] == "/login"
    assert httpx.get(f"{server}/", cookies=kept).status_code == 302


@ON_SQLITE
def test_the_description_for_people_loads_nothing_from_elsewhere(client):
    page = client.get("/docs").text
    assert "/sensor/insert-sensor-readings" in page
    assert "<script" not in page and "//" not in page.replace("http://www.opengis.net", "").replace("<!--", "")


@pytest.mark.parametrize(
    ("address", "kept"),
    [("/twin?id=1", True), ("//evil.example", False), ("https://evil.example", False), ("/\\evil.example", False),
     ("javascript:alert(1)", False), ("/a\r\nSet-Cookie: x=y", False), ("", False)],
)  # fmt: skip
def test_a_login_leads_to_this_server_only(address, kept):
    assert inside(address) == (address if kept else "/")
