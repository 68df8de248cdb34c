"""Requests made from the interface's own description, right and wrong ones: no server error, no undescribed answer."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from tests.api.conftest import ADMIN, TWIN, log_in

SHORT, LONG = 1, 60
# Names in requests are made up, so that a request of the right form is refused as often as not.
# Parameters of the address are made wrong in ways that never reach the server, such as an empty list: of wrong requests
# only those with a wrong body have to be refused.
LEFT_ASIDE = {"positive_data_acceptance", "negative_data_rejection", "max_response_time"}


@pytest.fixture
def described(admin):
    """The description of the interface, and a store that has something of everything."""
    measure = {"name": "depth", "units": "cm", "datatype": "float"}
    kind = {"name": "probe", "measures": [measure]}
    sensor = {"type_name": "probe", "unique_identifier": "P1", "twin": TWIN}
    rows = {
        "unique_identifier": "P1",
        "measure_name": "depth",
        "readings": [1.5],
        "timestamps": ["2025-06-01T00:00:00Z"],
    }
    place = {"identifiers": [{"name": "x", "units": "m", "datatype": "float"}], "values": [1.0]}
    service = {"name": "forecast", "url": "rule:fit_forecast", "http_method": "GET"}
    for address, payload in (
        *(("/sensor/insert-sensor-type", kind), ("/sensor/insert-sensor", sensor)),
        *(("/sensor/insert-sensor-readings", rows), ("/location/insert-location", place)),
        *(("/model/insert-model", {"name": "m"}), ("/model/insert-model-measure", measure)),
        ("/service/insert-service", service),
    ):
        assert admin.post(address, json=payload).is_success, address
    return schemathesis.openapi.from_asgi("/openapi.json", admin.app)


def test_no_request_brings_a_server_error_or_an_answer_that_is_not_described(described, admin, engine, thorough):
    """Each engine is asked half of the operations, rightly or wrongly; all of them, in both ways, when thorough."""
    half = ("sqlite", "postgresql").index(engine.dialect.name)
    operations = [result.ok() for result in described.get_all_operations()]
    headers = log_in(admin, ADMIN)
    checks = CHECKS.get_by_names([name for name in CHECKS.get_all_names() if name not in LEFT_ASIDE])
    (negative_data_rejection,) = CHECKS.get_by_names(["negative_data_rejection"])
    assert len(operations) == 71
    failures, modes = [], (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    for number, operation in enumerate(operations):
        if operation.path in ("/auth/logout", "/user/delete-user", "/user/change-password"):
            continue  # they end the session that the others need; test_tokens.py and test_access.py ask them
        if not thorough and number % 2 != half:
            continue
        for mode in modes if thorough else [modes[number // 2 % 2]]:
            try:
                strategy = operation.as_strategy(generation_mode=mode)
            except schemathesis.errors.SchemathesisError:
                continue  # nothing can be wrong about a request without parameters

            @settings(
                max_examples=LONG if thorough else SHORT,
                deadline=None,
                derandomize=not thorough,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy)
            def ask(case):
                body = case.meta.components.get(ParameterLocation.BODY)
                wrong = body is not None and body.mode.is_negative
                case.call_and_validate(headers=headers, checks=[*checks, negative_data_rejection] if wrong else checks)

            try:
                ask()
            except Exception as failure:
                failures.append(failure)
    if failures:
        raise ExceptionGroup(f"{len(failures)} operations", failures)
