"""Read ahead of a question what it shows: which voices there are."""

from __future__ import annotations

import asyncio
import logging
import threading

from revox_langchain.connection.connection import Connection
from revox_langchain.dialing.voices import VOICES_MAX_AGE_S
from revox_langchain.operations.voices import ListVoices

logger = logging.getLogger("revox_langchain.tools.ahead")

_PATIENCE_S = 5.0


class VoicesAhead:
    """Reads the voices into the connection's memory, in a thread of its own, where they are not fresh in it.

    Args:
        connection: The account.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None

    def look(self) -> None:
        """Have the voices read; sync code waits for them a few seconds, an event loop is not held up."""
        if self._connection.recalled(ListVoices(), VOICES_MAX_AGE_S) is not None:
            return
        with self._lock:
            if self._reading is None or not self._reading.is_alive():
                self._reading = threading.Thread(target=self._read, name="revox-voices", daemon=True)
                self._reading.start()
            reading = self._reading
        if not _in_a_loop():
            reading.join(_PATIENCE_S)

    def _read(self) -> None:
        # Whatever goes wrong here goes wrong again, with its error, where the call is placed.
        try:
            self._connection.remember(ListVoices(), self._connection.send(ListVoices()))
        except Exception as error:
            logger.debug("The voices could not be read ahead (%s).", type(error).__name__)


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
