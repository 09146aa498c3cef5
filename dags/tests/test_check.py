"""Laws of a dataset's check: what is asked, what is waited out, whose word counts, and what an older Ingest means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eip_provider.checks import DataCheck
from eip_provider.errors import RequestRefused, ServiceUnavailable
from eip_provider.hook import EipIngestHook
from eip_provider.requests import DataCheckRequest
from scripted_ingest import Answer, checked, problem

if TYPE_CHECKING:
    from scripted_ingest import ScriptedIngest

REQUEST = DataCheckRequest(dataset="olist", rules="default", max_rejected="5%")
CHECK = "POST /v1/datasets/olist/check"


@pytest.fixture
def hook() -> EipIngestHook:
    return EipIngestHook(patience=0.5)


def test_a_check_says_what_is_read_and_is_understood(hook: EipIngestHook, ingest: ScriptedIngest) -> None:
    ingest.check = checked("too many\nrejected", "asOf is wrong", rows_rejected=7, dataset_toml="version = 1\n")
    check = hook.check_dataset(REQUEST, 5)
    assert check
    assert check.reason() == "dataset olist: too many rejected; asOf is wrong"
    assert check.summary() == {
        "dataset": "olist",
        "orders": 5,
        "rows_rejected": 7,
        "stops": ["too many\nrejected", "asOf is wrong"],
    }
    assert check.dataset_toml == "version = 1\n"
    (asked,) = ingest.checks()
    assert asked.body == {"rules": "default", "max_rejected": "5%"}


def test_files_that_cannot_be_read_are_said_before_anything_else() -> None:
    check = DataCheck.from_json(checked("a stop", error="orders.csv: unclosed quote").body)
    assert check.reason() == "dataset olist cannot be read: orders.csv: unclosed quote"
    assert DataCheck.from_json(checked().body).reason() is None


@pytest.mark.parametrize("status", [404, 405])
def test_an_ingest_that_cannot_check_is_known_by_the_datasets_that_it_has(
    hook: EipIngestHook, ingest: ScriptedIngest, status: int
) -> None:
    ingest.fixed[CHECK] = problem(status, "no", "there is nothing at this path")
    ingest.fixed["GET /v1/datasets"] = Answer(200, {"datasets": [{"name": "olist"}, {"name": "spring"}]})
    assert hook.check_dataset(REQUEST, 5) is None
    ingest.fixed["POST /v1/datasets/autumn/check"] = ingest.fixed[CHECK]
    with pytest.raises(RequestRefused, match="no dataset 'autumn'; there are: olist, spring"):
        hook.check_dataset(DataCheckRequest(dataset="autumn"), 5)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_ingest_is_asked_again_then_left_to_airflows_retries(
    hook: EipIngestHook, ingest: ScriptedIngest, status: int
) -> None:
    ingest.check = problem(status, "not now", "another check is under way")
    with pytest.raises(ServiceUnavailable, match="another check is under way"):
        hook.check_dataset(REQUEST, 5)
    assert len(ingest.checks()) > 1


@pytest.mark.parametrize(
    "answer", [problem(422, "bad", "no rules 'x'"), Answer(200, {"dataset": "olist"}), Answer(200)]
)
def test_a_refusal_and_an_answer_that_is_none_are_refusals(
    hook: EipIngestHook, ingest: ScriptedIngest, answer: Answer
) -> None:
    ingest.check = answer
    with pytest.raises(RequestRefused, match=r"no rules 'x'|not understood"):
        hook.check_dataset(REQUEST, 5)


@pytest.mark.parametrize("name", ["../x", "a/b", "a?b=1", "", "a b"])
def test_only_a_datasets_name_becomes_part_of_a_url(name: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        DataCheckRequest(dataset=name)
