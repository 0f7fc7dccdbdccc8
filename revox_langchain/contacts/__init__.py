"""Whom a campaign calls: contacts read from files, checked row by row, grouped by language, and kept with states."""

from revox_langchain.contacts.corrections import corrected, write_errors
from revox_langchain.contacts.grouping import Grouped, group_by_language
from revox_langchain.contacts.opt_out import OptOut, OptOutFile, OptOutList, opt_out_list
from revox_langchain.contacts.phrases import opted_out
from revox_langchain.contacts.problems import Problem
from revox_langchain.contacts.reading import ContactList, ContactStream, read_contacts, stream_contacts
from revox_langchain.contacts.results import write_results
from revox_langchain.contacts.row import Columns, Row
from revox_langchain.contacts.sqlite import SqliteContacts
from revox_langchain.contacts.store import Added, Change, ContactStore, Kept, refuse_without_store
from revox_langchain.contacts.table import Options

__all__ = [
    "Added",
    "Change",
    "Columns",
    "ContactList",
    "ContactStore",
    "ContactStream",
    "Grouped",
    "Kept",
    "OptOut",
    "OptOutFile",
    "OptOutList",
    "Options",
    "Problem",
    "Row",
    "SqliteContacts",
    "corrected",
    "group_by_language",
    "opt_out_list",
    "opted_out",
    "read_contacts",
    "refuse_without_store",
    "stream_contacts",
    "write_errors",
    "write_results",
]
