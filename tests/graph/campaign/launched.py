"""Campaigns that were launched in a sandbox, with their contacts in a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from revox_langchain.connection.connection import Connection
from revox_langchain.contacts import Change, SqliteContacts, read_contacts
from revox_langchain.dialing.voices import Speech, choose_speaker
from revox_langchain.flow import run
from revox_langchain.graph.campaign.progress import LAUNCHED
from revox_langchain.graph.campaign.watch import Launched
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.campaigns import Contact, CreateCampaign, LaunchCampaign
from revox_langchain.sandbox import Sandbox, Switches

KEY = "spring"
_PROMPTS = {
    "en": "Say hello and confirm the appointment on Tuesday.",
    "fr": "Confirmez le rendez-vous de mardi avec la personne.",
}


class Spring:
    """A store with contacts, and one campaign of Revox's for each language.

    Args:
        folder: Where the file of contacts is.
        numbers: Whom to call, by language.
        switches: Of the sandbox.
        concurrent: How many calls at one time.
    """

    def __init__(
        self,
        folder: Path,
        numbers: dict[str, Sequence[str]],
        switches: Switches | None = None,
        concurrent: int | None = None,
    ) -> None:
        self.sandbox = Sandbox(switches=switches or Switches(organization_limit=10_000))
        self.connection: Connection = self.sandbox.connect()
        self.store = SqliteContacts(folder / "contacts.db")
        lines = [f"{number},{language}" for language, each in numbers.items() for number in each]
        contacts = read_contacts(("phone,language\n" + "\n".join(lines) + "\n").encode())
        self.store.add(KEY, contacts.columns, contacts.rows)
        ready = [kept for kept in self.store.batch(KEY, limit=100_000) if kept.state == "ready"]
        self.store.record(KEY, [Change(kept.row.mark, LAUNCHED) for kept in ready])
        self.launched = tuple(self._launch(language, each, concurrent) for language, each in numbers.items())
        self.sandbox.requests.clear()
        self.sandbox.counts.clear()

    @property
    def ids(self) -> list[str]:
        """The campaigns' ids."""
        return [each.campaign_id for each in self.launched]

    def asked(self) -> int:
        """How many requests were sent since the launch."""
        return len(self.sandbox.requests)

    def _launch(self, language: str, numbers: Sequence[str], concurrent: int | None) -> Launched:
        prompt = _PROMPTS[language]
        _, voice = run(choose_speaker(Speech(prompt, language=language), {}), self.connection)
        spoken = {"voice_provider": voice.provider, "voice_id": voice.id}
        made = self.connection.send(
            CreateAssistant.model_validate({"name": f"Spring {language}", "prompt": prompt, **spoken})
        )
        campaign = self.connection.send(
            CreateCampaign(
                assistant_id=made["assistant"]["id"],
                name=f"Spring {language}",
                contacts=[Contact(to_phone_number=number) for number in numbers],
                max_concurrent_calls=concurrent,
            )
        )["campaign"]
        self.connection.send(LaunchCampaign(campaign_id=campaign["id"]))
        return Launched(campaign["id"], language)
