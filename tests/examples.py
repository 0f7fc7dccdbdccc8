"""One example per request, the smallest that works: whatever tests every tool or operation takes its arguments here.

Some ids name a thing of the sandbox, such as `a-paused-call`. `example` makes that thing and puts its real id there; a
test that sends nothing takes the arguments as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revox_langchain.connection.connection import Connection
from revox_langchain.operations.assistants import CreateAssistant
from revox_langchain.operations.calls import MakeCall, PauseCall
from revox_langchain.operations.campaigns import Contact, CreateCampaign, LaunchCampaign, PauseCampaign
from revox_langchain.operations.operation import Request
from revox_langchain.operations.phone_numbers import ListPhoneNumbers
from revox_langchain.operations.voices import CloneVoice

NUMBER = "+12025550100"
VOICE = {"voice_provider": "cartesia", "voice_id": "a249eaff-1e96-4d2c-b23b-12efa4f66f41"}
SAMPLE = {"name": "mine", "language": "fr", "audio": "aGk=", "content_type": "audio/wav"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "MakeCall": {"phone_number": NUMBER, "prompt": "Please say hello to them."},
    "GetCall": {"call_id": "a-call"},
    "GetCallHistory": {},
    "CancelCall": {"call_id": "a-call"},
    "PauseCall": {"call_id": "a-call"},
    "ResumeCall": {"call_id": "a-paused-call"},
    "ExportCalls": {},
    "GetPhoneHistory": {},
    "ListAssistants": {},
    "GetAssistant": {"assistant_id": "an-assistant"},
    "CreateAssistant": {"name": "Aide", "prompt": "Please remind them of Tuesday."},
    "UpdateAssistant": {"assistant_id": "an-assistant"},
    "CloneAssistant": {"assistant_id": "an-assistant"},
    "DeleteAssistant": {"assistant_id": "an-assistant"},
    "ListVoices": {},
    "GetVoice": VOICE,
    "CloneVoice": SAMPLE,
    "PreviewVoice": VOICE,
    "DeleteVoice": {"voice_id": "a-cloned-voice"},
    "CreateCampaign": {"assistant_id": "an-assistant", "name": "Spring", "contacts": [{"to_phone_number": NUMBER}]},
    "GetCampaign": {"campaign_id": "a-campaign"},
    "ListCampaigns": {},
    "UpdateCampaign": {"campaign_id": "a-campaign"},
    "DeleteCampaign": {"campaign_id": "a-campaign"},
    "LaunchCampaign": {"campaign_id": "a-campaign"},
    "PauseCampaign": {"campaign_id": "a-running-campaign"},
    "ResumeCampaign": {"campaign_id": "a-paused-campaign"},
    "CancelCampaign": {"campaign_id": "a-running-campaign"},
    "GetCampaignRows": {"campaign_id": "a-campaign"},
    "ExportCampaignRows": {"campaign_id": "a-campaign"},
    "GetCampaignStatistics": {"campaign_id": "a-campaign"},
    "ListPhoneNumbers": {},
    "UpdatePhoneNumber": {"phone_number_id": "a-phone-number"},
    "DeletePhoneNumber": {"phone_number_id": "a-phone-number"},
    "AuthStatus": {},
    "GetUser": {},
    "WaitForCall": {"call_id": "a-call"},
    "RecoverCall": {"intent_id": "5d9b3a3e-0a53-4e0b-9c39-2f6a0c6f7a11", "phone_number": NUMBER},
}
"""Arguments by the request's class name."""


def arguments_of(request_type: type[Request]) -> dict[str, Any]:
    """The example's arguments as they stand."""
    return dict(EXAMPLES[request_type.__name__])


def example(request_type: type[Request], connection: Connection) -> dict[str, Any]:
    """Arguments with which the request works: what they speak of is put into the sandbox first."""
    return {
        name: THINGS[value](connection) if isinstance(value, str) and value in THINGS else value
        for name, value in arguments_of(request_type).items()
    }


def _assistant(connection: Connection) -> str:
    return str(connection.send(CreateAssistant(name="n", prompt="Say hello."))["assistant"]["id"])


def _call(connection: Connection) -> str:
    # It waits in the queue for ten minutes, so it can still be paused or cancelled.
    placed = connection.send(MakeCall(phone_number="+12025550111", assistant_id=_assistant(connection)))
    return str(placed["call"]["id"])


def _paused_call(connection: Connection) -> str:
    call_id = _call(connection)
    connection.send(PauseCall(call_id=call_id))
    return call_id


def _voice(connection: Connection) -> str:
    return str(connection.send(CloneVoice(**SAMPLE))["id"])


def _campaign(connection: Connection) -> str:
    contacts = [Contact(to_phone_number="+12025550120")]
    created = connection.send(CreateCampaign(assistant_id=_assistant(connection), name="c", contacts=contacts))
    return str(created["campaign"]["id"])


def _running_campaign(connection: Connection) -> str:
    campaign_id = _campaign(connection)
    connection.send(LaunchCampaign(campaign_id=campaign_id))
    return campaign_id


def _paused_campaign(connection: Connection) -> str:
    campaign_id = _running_campaign(connection)
    connection.send(PauseCampaign(campaign_id=campaign_id))
    return campaign_id


def _phone_number(connection: Connection) -> str:
    return str(connection.send(ListPhoneNumbers())["phone_numbers"][-1]["id"])


THINGS: dict[str, Callable[[Connection], str]] = {
    "an-assistant": _assistant,
    "a-call": _call,
    "a-paused-call": _paused_call,
    "a-cloned-voice": _voice,
    "a-campaign": _campaign,
    "a-running-campaign": _running_campaign,
    "a-paused-campaign": _paused_campaign,
    "a-phone-number": _phone_number,
}
