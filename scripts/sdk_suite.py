"""Run the official SDK's own tests against the sandbox on a port: `python -m scripts.sdk_suite [--required]`.

The suite comes from the SDK's source distribution, which is downloaded into a temporary folder. Its tests are marked as
skipped, since they need a server; the marks are removed. The ids and numbers they make up are put into the sandbox
before each test. With `--required`, a download that fails is an error.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

from revox_langchain.answers import JsonObject
from revox_langchain.operations.campaigns import Contact, CreateCampaign
from revox_langchain.sandbox import Sandbox, Switches
from revox_langchain.sandbox.server import SandboxServer
from revox_langchain.sandbox.world.assistants import new_assistant
from revox_langchain.sandbox.world.orders import Dispatcher
from revox_langchain.sandbox.world.records import CallRequest
from revox_langchain.sandbox.world.world import World

NUMBER = "+12025550100"
ID = "id"
ASSISTANT_IDS = (ID, "182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e", "inbound_assistant_id")
VOICE_IDS = (ID, "x", "voiceId")
OWN_NUMBER = "from_phone_number"
SKIP = '    @pytest.mark.skip(reason="Mock server tests are disabled")\n'
# The tests write "phone_number" as a phone number and "timezone" as a time zone.
SWITCHES = Switches(check_formats=False)


class Seeding:
    """A pytest plugin that puts what the tests make up into the sandbox, and counts them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.outcomes: dict[str, int] = {}

    @pytest.fixture(autouse=True)
    def _seeded(self, request: pytest.FixtureRequest) -> None:
        self._sandbox.reset()
        # Only what is paused can be resumed.
        seed(self._sandbox, paused="resume" in request.node.name)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test that has run or was skipped."""
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome] = self.outcomes.get(report.outcome, 0) + 1


def seed(sandbox: Sandbox, *, paused: bool) -> None:
    """Fill an empty sandbox with what the SDK's tests speak of."""
    world = sandbox.world
    for assistant_id in ASSISTANT_IDS:
        world.assistants[assistant_id] = new_assistant(world, {"name": "A", "prompt": "P"}) | {"id": assistant_id}
    voice = next(voice for voice in world.voices.values() if voice["provider"] == "cartesia")
    world.voices |= {each: {**voice, "id": each, "isCloned": True} for each in VOICE_IDS}
    entry = next(iter(world.phone_numbers.values()))
    world.phone_numbers |= {ID: {**entry, "id": ID}, OWN_NUMBER: {**entry, "phone_number": OWN_NUMBER}}
    order = Dispatcher(world).place(CallRequest(NUMBER, world.assistants[ID], from_number=OWN_NUMBER))
    world.forget(order)
    order.call["id"] = ID
    world.keep(order)
    _seed_campaign(sandbox, paused=paused)
    if paused:
        Dispatcher(world).pause(order)


def _seed_campaign(sandbox: Sandbox, *, paused: bool) -> None:
    world: World = sandbox.world
    request = CreateCampaign(assistant_id=ID, name="C", contacts=[Contact(to_phone_number=NUMBER)])
    with sandbox.connect() as connection:
        created: JsonObject = connection.send(request)["campaign"]
    campaign = world.campaigns.pop(created["id"])
    campaign.data["id"], campaign.paused = ID, paused
    world.campaigns[ID] = campaign
    for row in campaign.rows:
        world.book[row["call_id"]].campaign_id = ID


def download(folder: Path) -> Path | None:
    """The unpacked source distribution of the installed SDK; None if it cannot be had."""
    wanted = f"revox=={version('revox')}"
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "revox", wanted)
    if subprocess.run([*pip, "--dest", str(folder)], capture_output=True, text=True).returncode:
        return None
    [archive] = folder.glob("revox-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def run(source: Path) -> int:
    """Run the suite; 0 if every test passed and none was skipped."""
    for file in source.glob("tests/api_resources/test_*.py"):
        file.write_text(file.read_text(encoding="utf-8").replace(SKIP, ""), encoding="utf-8")
    sandbox = Sandbox(switches=SWITCHES)
    with SandboxServer(sandbox) as server:
        os.environ["TEST_API_BASE_URL"] = server.base_url
        os.chdir(source)
        seeding = Seeding(sandbox)
        # In this process, so that the tests' own `-n auto` is left out.
        options = ["-o", "addopts=--tb=short", "-q", "--assert=plain", "-p", "no:cacheprovider", "tests/api_resources"]
        failed = pytest.main(options, plugins=[seeding])
    print(f"The SDK's own tests against the sandbox: {seeding.outcomes}")
    return int(failed) or int(set(seeding.outcomes) != {"passed"})


def main() -> int:
    """Download and run the suite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--required", action="store_true", help="fail if the suite cannot be downloaded")
    required = parser.parse_args().required
    with tempfile.TemporaryDirectory() as folder:
        source = download(Path(folder))
        if source is None:
            print("The SDK's tests were not run: they could not be downloaded; is there a network?")
            return int(required)
        try:
            return run(source)
        finally:
            os.chdir(Path(__file__).parent)


if __name__ == "__main__":
    sys.exit(main())
