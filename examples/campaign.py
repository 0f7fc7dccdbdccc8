"""Contacts of three languages from a CSV file are called, one campaign each, once a person has seen what will happen.

It runs as it stands, in a sandbox that rings no phone: `python examples/campaign.py`. On the way the answer to a launch
is lost; every contact is called once all the same, and the results keep the file's rows, order and columns.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from revox_langchain.contacts import SqliteContacts
from revox_langchain.graph import campaign_graph
from revox_langchain.operations.campaigns import LaunchCampaign
from revox_langchain.sandbox import Fault, Sandbox

CONTACTS = """phone;language;name
+1 202 555 0100;English;Ada
+33 1 42 68 53 00;français;Zoé
+49 30 22222222;de;Jan
+1 202 555 0114;en;Bo
12345;fr;Léa
"""
PROMPTS = {
    "en": "You are an AI assistant of the practice. Ask {{name}} whether Tuesday at 3 pm suits them.",
    "fr": "Vous êtes une IA du cabinet. Demandez à {{name}} si mardi à 15 h lui convient.",
    "de": "Sie sind eine KI der Praxis. Fragen Sie {{name}}, ob Dienstag um 15 Uhr passt.",
}


def main() -> None:
    """Read, ask, call, and print what became of each row."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault("lose_after", on=LaunchCampaign))
    with tempfile.TemporaryDirectory() as folder, SqliteContacts(Path(folder) / "contacts.db") as store:
        (Path(folder) / "contacts.csv").write_text(CONTACTS, encoding="utf-8")
        graph = campaign_graph(
            sandbox.connect(), checkpointer=InMemorySaver(), store=store, contacts_dir=folder, results_dir=folder
        )
        thread: Any = {"configurable": {"thread_id": "tuesday"}}
        asked = graph.invoke({"contacts_file": "contacts.csv", "prompts": PROMPTS, "intent": "tuesday"}, thread)
        question = asked["__interrupt__"][0].value
        print(question["message"])

        out = graph.invoke(Command(resume=question["answers"]["approve"]), thread)
        print(f"{out['status']}: {out['funnel']}")
        with Path(out["results_csv"]).open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                print(f"{row['name']}: {row['revox_conclusion'] or row['revox_row_code']}")
    print(f"Campaigns: {len(sandbox.world.campaigns)}. Phones that rang: {sandbox.rang}.")


if __name__ == "__main__":
    main()
