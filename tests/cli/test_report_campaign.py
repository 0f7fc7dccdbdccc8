"""`report` of campaigns: all contacts in one file, read a hundred a request, and nothing dialed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from revox_langchain.cli.app import app
from revox_langchain.cli.campaign_page import read_campaign_page
from revox_langchain.report.campaign import campaign_page_in
from revox_langchain.sandbox import Switches
from revox_langchain.sandbox.server import SandboxServer
from tests.graph.campaign.launched import Spring

pytest.importorskip("jinja2", reason="this environment is older than the dependency: run make install")

EN, FR = ["+12025550100", "+12025550101", "+12025550114"], ["+33199000001", "+33199000002"]


@pytest.fixture
def spring(tmp_path: Path) -> Spring:
    spring = Spring(tmp_path, {"en": EN, "fr": FR})
    spring.sandbox.world.advance(7200)
    return spring


@pytest.fixture
def account(spring: Spring) -> Iterator[dict[str, str]]:
    with SandboxServer(spring.sandbox) as server:
        yield {"REVOX_API_KEY": "sk_any", "REVOX_BASE_URL": server.base_url}


def report(*args: str, env: dict[str, str]) -> Any:
    return CliRunner().invoke(app, ["report", *args], env=env)


def test_campaigns_become_one_page_with_every_contact(spring: Spring, account: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "spring.html"
    dialed = len(spring.sandbox.dials)
    done = report(*spring.ids, "-o", str(file), "--json", env=account)
    assert done.exit_code == 0, done.output
    html = file.read_text(encoding="utf-8")
    page = campaign_page_in(html)
    assert [(each.name, each.language) for each in page.campaigns] == [("Spring en", "en"), ("Spring fr", "fr")]
    assert sorted(contact.language or "" for contact in page.contacts) == ["en", "en", "en", "fr", "fr"]
    assert not [number for number in EN + FR if number in html]
    said = json.loads(done.stdout)
    assert (said["contacts"], said["missing"], said["campaign_ids"]) == (5, 0, spring.ids)
    assert said["conclusions"]["not_interested"] == 1
    assert len(spring.sandbox.dials) == dialed


@pytest.mark.slow
def test_one_campaign_is_told_from_a_call_by_its_id(
    spring: Spring, account: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = report(spring.ids[1], "--show-numbers", env=account)
    assert done.exit_code == 0, done.output
    assert FR[0] in (tmp_path / "campaign.html").read_text(encoding="utf-8")
    again = report(spring.ids[1], env=account)
    assert again.exit_code == 2
    assert "exists already" in again.stderr


@pytest.mark.slow
def test_a_page_of_a_campaign_is_drawn_anew_without_an_account(
    spring: Spring, account: dict[str, str], tmp_path: Path
) -> None:
    old, new = tmp_path / "old.html", tmp_path / "new.html"
    assert report(*spring.ids, "-o", str(old), env=account).exit_code == 0
    assert report(str(old), "-o", str(new), env={}).exit_code == 0
    assert new.read_text(encoding="utf-8") == old.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_campaign_that_does_not_exist_is_a_clear_sentence(
    spring: Spring, account: dict[str, str], tmp_path: Path
) -> None:
    gone = "00000000-0000-4000-8000-000000000000"
    for ids in ([gone], [*spring.ids, gone]):
        done = report(*ids, "-o", str(tmp_path / "page.html"), env=account)
        assert done.exit_code == 2, done.output
        assert done.stderr.count("Error: ") == 1
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("switches", [{}, {"page_base": 0}, {"total_counts": "attempts"}], ids=str)
@pytest.mark.slow
def test_contacts_are_read_a_hundred_a_request(tmp_path: Path, switches: dict[str, Any]) -> None:
    people = [f"+3319900{number:04}" for number in range(250)]
    spring = Spring(tmp_path, {"fr": people}, Switches(organization_limit=10_000, **switches))
    spring.sandbox.world.advance(7200)
    page = read_campaign_page(spring.ids, spring.connection)
    assert (len(page.contacts), page.missing) == (250, 0)
    assert spring.sandbox.counts["revox_get_call_history"] <= 5
