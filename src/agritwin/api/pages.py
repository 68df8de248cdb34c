"""What people open in a browser: the login, the description of the interface, and the pages of the app beside it."""

import contextlib
import datetime as dt
import json
from typing import Annotated, Any
from urllib.parse import quote

import jwt
from fastapi import APIRouter, FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from agritwin.api.access import ALGORITHM, POLICY, read_token
from agritwin.api.errors import LoginError
from agritwin.api.routes.auth import origin
from agritwin.api.surroundings import Around, Surroundings
from agritwin.records import accounts
from agritwin.records.accounts import ThrottledError
from agritwin.views.language import LANGUAGES, language

COOKIE = "agritwin_session"
PAGE_LIFE = dt.timedelta(hours=12)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(include_in_schema=False)


def _page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    templates = Environment(
        loader=PackageLoader("agritwin.api"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return HTMLResponse(templates.get_template(name).render(**values), status, HEADERS)


@router.get("/login", response_class=HTMLResponse)
def login_form(request: Request, next: str = "/") -> HTMLResponse:
    """Show the form that asks for address and password."""
    return _page("login.html.jinja", say=_language(request), next=inside(next), error=None)


@router.post("/login", response_class=HTMLResponse)
def log_in(
    request: Request,
    around: Around,
    email: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form()] = "/",
) -> Any:
    """Begin a session of pages; the cookie is out of reach of scripts and other sites."""
    say, now = _language(request), around.now()
    try:
        account = accounts.check_password(around.engine, email, password, origin(request), now)
    except ThrottledError as error:
        text = say("login.throttled", minutes=-(-error.seconds // 60))
        return _page("login.html.jinja", 429, say=say, next=inside(next), error=text)
    if account is None:
        return _page("login.html.jinja", 401, say=say, next=inside(next), error=say("login.wrong"))
    session, _ = accounts.open_session(around.engine, account.party_id, now, PAGE_LIFE)
    claims = {"sub": account.email, "sid": session, "token_type": "page", "exp": int((now + PAGE_LIFE).timestamp())}
    answer = RedirectResponse(inside(next), 303)
    answer.set_cookie(
        COOKIE,
        jwt.encode(claims, around.secret, ALGORITHM),
        max_age=int(PAGE_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
def log_out(request: Request, around: Around) -> RedirectResponse:
    """End the session of pages."""
    if (cookie := request.cookies.get(COOKIE)) is not None:
        with contextlib.suppress(LoginError):  # it is over already
            accounts.close_session(around.engine, read_token(around, cookie, "page")["sid"])
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/docs", response_class=HTMLResponse)
def docs(request: Request) -> HTMLResponse:
    """Describe every address; nothing is loaded from elsewhere, so that it works without a network."""
    document = request.app.openapi()
    operations = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation.get("description", operation.get("summary", "")),
            "tag": (operation.get("tags") or [""])[0],
            "needs": POLICY.get(f"{method.upper()} {path}", "open"),
            "parameters": operation.get("parameters", []),
            "body": _body(document, operation),
            "statuses": sorted(operation["responses"]),
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return _page("docs.html.jinja", info=document["info"], operations=operations)


def inside(address: str) -> str:
    """Return an address of this server, never one that leads elsewhere."""
    if not address.startswith("/") or address.startswith(("//", "/\\")) or any(ord(sign) < 32 for sign in address):
        return "/"
    return address


def user_of(around: Surroundings, cookie: str | None) -> dict[str, Any] | None:
    """Return who a cookie speaks for, with the twins that they may read (None: all); None for nobody."""
    if cookie is None:
        return None
    try:
        session = read_token(around, cookie, "page")["sid"]
    except LoginError:
        return None
    account = accounts.session_account(around.engine, session, around.now())
    if account is None or not account.may_somewhere("read"):
        return None
    return {"email": account.email, "twins": account.twins()}


def mount_app(app: FastAPI, around: Surroundings) -> None:
    """Serve the pages of the app from the same process, for who is logged in, each twin for who may read it."""
    import panel as pn
    from bokeh.server.auth import AuthPolicy
    from panel.io.fastapi import add_applications

    from agritwin.app.server import application

    def authenticate(request: Any) -> dict[str, Any] | None:
        found = request.cookies.get(COOKIE)
        return user_of(around, None if found is None else found.value)

    def login_address(request: Any) -> str:
        return f"/login?next={quote(request.uri)}"

    def allowed() -> list[str] | None:
        document = pn.state.curdoc
        user = document.session_context.request.user if document and document.session_context else None  # type: ignore[union-attr]
        return [] if user is None else user["twins"]

    policy = AuthPolicy(authenticate, login_url=login_address, logout_url="/logout")
    pages: dict[str, Any] = dict(application(around.root, allowed))
    add_applications(pages, app=app, title="agritwin", auth_policy=policy)


def _language(request: Request) -> Any:
    asked = request.query_params.get("lang")
    told = request.headers.get("accept-language", "")[:2].lower()
    return language(next((code for code in (asked, told) if code in LANGUAGES), LANGUAGES[0]))


def _body(document: dict[str, Any], operation: dict[str, Any]) -> str | None:
    content = operation.get("requestBody", {}).get("content", {})
    for media, about in content.items():
        schema = about["schema"]
        named = schema.get("$ref", "").rpartition("/")[2]
        schema = document["components"]["schemas"].get(named, schema)
        return f"{media}\n{json.dumps(schema, indent=1, ensure_ascii=False)}"
    return None
