"""`demo`: the same short call in each language a voice can speak, in a sandbox."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

import typer

from revox_langchain.answers import JsonObject
from revox_langchain.cli.follow import CallRun
from revox_langchain.cli.options import AsJson, Open, Speed, account, wait_policy
from revox_langchain.cli.screen import Screen
from revox_langchain.dialing.policy import DialPolicy
from revox_langchain.speech.language import language_name, parse_language

_SLOW_ENOUGH_TO_WATCH = 50
"""Speed up to which the demo polls every second, so that lines appear as they are spoken."""


def demo(
    language: Annotated[str, typer.Option(help="Code or name of one of the languages voices speak.")] = "fr",
    speed: Speed = 5.0,
    open_: Open = False,
    as_json: AsJson = False,
) -> int:
    """Watch a call in the sandbox: no key, no phone, twelve seconds."""
    # Whatever key is set in this shell, the demo must not be able to use it.
    for name in [name for name in os.environ if name.upper().startswith("REVOX_")]:
        del os.environ[name]
    spoken = parse_language(language)
    screen = Screen(as_json=as_json)
    pace = f", {speed:g} times as fast as real time" if speed else ""
    screen.line(f"Sandbox: no real phone rings. A call in {language_name(spoken.tag)}{pace}.", "bold")
    screen.line()
    wait = wait_policy(None, 1.0 if 0 < speed < _SLOW_ENOUGH_TO_WATCH else None)
    with account(sandbox=True, speed=speed) as connection:
        run = CallRun(connection, screen, DialPolicy(), wait, sandbox=True, page=open_)
        return run.follow(SCRIPTS[spoken.language].call(spoken.tag))


NUMBER = "+12025550100"
"""Reserved for fiction; in the sandbox it answers and agrees."""


@dataclass(frozen=True, slots=True)
class Script:
    """The words of one demo call.

    Attributes:
        prompt: What the assistant must do.
        first_sentence: What it says first.
        address: How it asks whether the address is right.
    """

    prompt: str
    first_sentence: str
    address: str

    def call(self, language: str) -> JsonObject:
        """The input of the call graph."""
        schema = {
            "properties": {"confirmed": {"type": "boolean", "description": self.address}},
            "required": ["confirmed"],
        }
        return {
            "phone_number": NUMBER,
            "prompt": self.prompt,
            "first_sentence": self.first_sentence,
            "language": language,
            "structured_output_schema": schema,
        }


SCRIPTS: dict[str, Script] = {
    "fr": Script(
        "Confirmez le rendez-vous de mardi à 15 h avec le plombier et vérifiez que l'adresse n'a pas changé.",
        "Bonjour, ici l'assistant virtuel de la maison Durand, au sujet de mardi.",
        "l'adresse est-elle toujours la même",
    ),
    "en": Script(
        "Confirm the plumber's appointment on Tuesday at 3 pm and check that the address has not changed.",
        "Hello, this is the virtual assistant of Durand Plumbing, about Tuesday.",
        "is the address still the same",
    ),
    "es": Script(
        "Confirme la cita del martes a las 15 h con el fontanero y compruebe que la dirección no ha cambiado.",
        "Buenos días, soy el asistente virtual de la casa Durand, por lo del martes.",
        "¿la dirección sigue siendo la misma",
    ),
    "de": Script(
        "Bestätigen Sie den Termin mit dem Klempner am Dienstag um 15 Uhr und prüfen Sie, ob die Adresse noch stimmt.",
        "Guten Tag, hier ist der virtuelle Assistent der Firma Durand, es geht um Dienstag.",
        "Ist die Adresse noch dieselbe",
    ),
    "it": Script(
        "Confermi l'appuntamento di martedì alle 15 con l'idraulico e verifichi che l'indirizzo non sia cambiato.",
        "Buongiorno, sono l'assistente virtuale della ditta Durand, la chiamo per martedì.",
        "l'indirizzo è sempre lo stesso",
    ),
    "pt": Script(
        "Confirme a visita do encanador na terça-feira às 15 h e verifique se o endereço continua o mesmo.",
        "Bom dia, aqui é o assistente virtual da casa Durand, sobre a terça-feira.",
        "o endereço continua o mesmo",
    ),
    "ru": Script(
        "Подтвердите визит сантехника во вторник в 15 часов и уточните, не изменился ли адрес.",
        "Здравствуйте, это виртуальный помощник фирмы «Дюран», я звоню насчёт вторника.",
        "адрес остался прежним",
    ),
    "zh": Script(
        "请确认水管工星期二下午三点的预约，并核实地址没有变化。",
        "您好，我是杜兰公司的智能助手，想和您确认星期二的预约。",
        "地址还是原来的吗",
    ),
}
"""By language; every language that voices speak has one."""
