"""Every operation of Revox's REST API, in the order people meet them."""

from __future__ import annotations

from revox_langchain.errors import InvalidInput, near
from revox_langchain.operations.account import AuthStatus, GetUser
from revox_langchain.operations.assistants import (
    CloneAssistant,
    CreateAssistant,
    DeleteAssistant,
    GetAssistant,
    ListAssistants,
    UpdateAssistant,
)
from revox_langchain.operations.calls import (
    CancelCall,
    ExportCalls,
    GetCall,
    GetCallHistory,
    GetPhoneHistory,
    MakeCall,
    PauseCall,
    ResumeCall,
)
from revox_langchain.operations.campaigns import (
    CancelCampaign,
    CreateCampaign,
    DeleteCampaign,
    ExportCampaignRows,
    GetCampaign,
    GetCampaignRows,
    GetCampaignStatistics,
    LaunchCampaign,
    ListCampaigns,
    PauseCampaign,
    ResumeCampaign,
    UpdateCampaign,
)
from revox_langchain.operations.operation import Operation
from revox_langchain.operations.phone_numbers import DeletePhoneNumber, ListPhoneNumbers, UpdatePhoneNumber
from revox_langchain.operations.voices import CloneVoice, DeleteVoice, GetVoice, ListVoices, PreviewVoice

OPERATIONS: tuple[type[Operation], ...] = (
    MakeCall,
    GetCall,
    GetCallHistory,
    CancelCall,
    PauseCall,
    ResumeCall,
    ExportCalls,
    GetPhoneHistory,
    ListAssistants,
    GetAssistant,
    CreateAssistant,
    UpdateAssistant,
    CloneAssistant,
    DeleteAssistant,
    ListVoices,
    GetVoice,
    CloneVoice,
    PreviewVoice,
    DeleteVoice,
    CreateCampaign,
    GetCampaign,
    ListCampaigns,
    UpdateCampaign,
    DeleteCampaign,
    LaunchCampaign,
    PauseCampaign,
    ResumeCampaign,
    CancelCampaign,
    GetCampaignRows,
    ExportCampaignRows,
    GetCampaignStatistics,
    ListPhoneNumbers,
    UpdatePhoneNumber,
    DeletePhoneNumber,
    AuthStatus,
    GetUser,
)


def find(name: str) -> type[Operation]:
    """Return the operation called `name`, with or without the prefix `revox_`.

    Raises:
        InvalidInput: No operation has that name; names that are near are listed.
    """
    wanted = name if name.startswith("revox_") else f"revox_{name}"
    for operation in OPERATIONS:
        if operation.spec.name == wanted:
            return operation
    raise InvalidInput(f"There is no operation {name!r}{near(wanted, [o.spec.name for o in OPERATIONS])}")
