"""The preset voices: all eight languages, several accents, both genders, three providers."""

from __future__ import annotations

import uuid

from revox_langchain.answers import JsonObject

_NAMESPACE = uuid.UUID("8d7e5a52-6c7b-4a53-9d0f-3d3f8f2f7b10")

# provider, language, accent, gender, name, description, then optionally modelCompat and a known id.
# Revox publishes the id of only one preset, a French one; all other ids are made up here.
_CATALOGUE: tuple[tuple[str, ...], ...] = (
    ("cartesia", "en", "american", "female", "Dana", "Clear and friendly; the default", "universal"),
    ("cartesia", "en", "american", "male", "Russell", "Calm support agent", "sonic-3"),
    ("cartesia", "en", "british", "female", "Imogen", "Measured and warm"),
    ("cartesia", "en", "british", "male", "Alistair", "Dry, precise, unhurried", "sonic-3.5"),
    ("cartesia", "en", "australian", "female", "Kirra", "Bright and casual"),
    ("elevenlabs", "en", "american", "male", "Marcus", "Deep and steady"),
    ("elevenlabs", "en", "australian", "male", "Lachlan", "Easygoing"),
    ("elevenlabs", "en", "irish", "female", "Niamh", "Soft and quick"),
    ("elevenlabs", "en", "indian", "female", "Anjali", "Polite and exact"),
    ("gradium", "en", "american", "neutral", "Quinn", "Even, unobtrusive"),
    (
        "cartesia",
        "fr",
        "french",
        "female",
        "French Conversational Lady",
        "Natural, for everyday conversations",
        "universal",
        "a249eaff-1e96-4d2c-b23b-12efa4f66f41",
    ),
    ("cartesia", "fr", "french", "male", "Baptiste", "Posé, voix de conseiller", "sonic-3"),
    ("cartesia", "fr", "quebec", "female", "Maude", "Chaleureuse, accent de Montréal", "sonic-3.5"),
    ("elevenlabs", "fr", "quebec", "male", "Étienne", "Direct et souriant"),
    ("elevenlabs", "fr", "belgian", "female", "Justine", "Souriante, débit tranquille"),
    ("elevenlabs", "fr", "french", "female", "Solène", "Voix d'accueil, nette"),
    ("gradium", "fr", "french", "male", "Rémi", "Neutre et rapide"),
    ("gradium", "fr", "swiss", "female", "Mélanie", "Calme, accent romand"),
    ("cartesia", "es", "castilian", "female", "Lucía", "Cercana y clara", "universal"),
    ("cartesia", "es", "mexican", "male", "Emiliano", "Amable, acento del centro", "sonic-3"),
    ("cartesia", "es", "mexican", "female", "Ximena", "Alegre y directa", "sonic-3.5"),
    ("elevenlabs", "es", "castilian", "male", "Álvaro", "Serio y pausado"),
    ("elevenlabs", "es", "argentinian", "female", "Martina", "Expresiva, acento rioplatense"),
    ("elevenlabs", "es", "colombian", "male", "Camilo", "Suave y cortés"),
    ("gradium", "es", "castilian", "female", "Nerea", "Neutra"),
    ("cartesia", "de", "german", "female", "Annika", "Freundlich, deutliche Aussprache", "universal"),
    ("cartesia", "de", "german", "male", "Jonas", "Sachlich und ruhig", "sonic-3"),
    ("cartesia", "de", "austrian", "female", "Valerie", "Charmant, Wiener Färbung", "sonic-3.5"),
    ("elevenlabs", "de", "austrian", "male", "Lorenz", "Gemütlich"),
    ("elevenlabs", "de", "swiss", "female", "Seraina", "Ruhig, Schweizer Hochdeutsch"),
    ("gradium", "de", "german", "female", "Hanna", "Neutral"),
    ("cartesia", "it", "italian", "female", "Ginevra", "Solare e chiara", "universal"),
    ("cartesia", "it", "italian", "male", "Lorenzo", "Tranquillo, da consulente", "sonic-3"),
    ("elevenlabs", "it", "italian", "female", "Bianca", "Elegante"),
    ("elevenlabs", "it", "italian", "male", "Tommaso", "Vivace"),
    ("cartesia", "pt", "brazilian", "female", "Larissa", "Simpática, sotaque paulista", "universal"),
    ("cartesia", "pt", "brazilian", "male", "Thiago", "Tranquilo e seguro", "sonic-3"),
    ("elevenlabs", "pt", "brazilian", "female", "Bruna", "Animada"),
    ("elevenlabs", "pt", "european", "female", "Leonor", "Serena, sotaque de Lisboa"),
    ("elevenlabs", "pt", "european", "male", "Duarte", "Formal e claro"),
    ("gradium", "pt", "brazilian", "male", "Caio", "Neutro"),
    ("cartesia", "ru", "russian", "female", "Дарья", "Приветливая и чёткая", "universal"),
    ("cartesia", "ru", "russian", "male", "Кирилл", "Спокойный", "sonic-3"),
    ("elevenlabs", "ru", "russian", "female", "Ксения", "Мягкая"),
    ("cartesia", "zh", "mandarin", "female", "晓雯", "亲切自然", "universal"),
    ("cartesia", "zh", "mandarin", "male", "志远", "沉稳清晰", "sonic-3"),
    ("elevenlabs", "zh", "taiwanese", "female", "怡君", "溫柔，台灣口音"),
    ("elevenlabs", "zh", "taiwanese", "male", "柏翰", "穩重，台灣口音"),
    # Revox leaves accent and gender out of some voices, so clients must not rely on them.
    ("elevenlabs", "it", "", "", "Voce 4", "Senza altre indicazioni"),
)


def seed_voices() -> dict[str, JsonObject]:
    """The preset catalogue by id."""
    voices = [_voice(*entry) for entry in _CATALOGUE]
    return {voice["id"]: voice for voice in voices}


def preview(text: str, speed: float) -> bytes:
    """Silent MP3 of about the length it takes to say `text`."""
    # MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes and 26 ms a frame.
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    seconds = min(60.0, max(1.0, len(text) * 0.065 / speed))
    return frame * round(seconds / 0.0261)


def _voice(
    provider: str,
    language: str,
    accent: str,
    gender: str,
    name: str,
    description: str,
    model_compat: str = "",
    voice_id: str = "",
) -> JsonObject:
    voice: JsonObject = {
        "id": voice_id or str(uuid.uuid5(_NAMESPACE, f"{provider}/{language}/{name}")),
        "name": name,
        "description": description,
        "language": language,
        "provider": provider,
    }
    optional = {"accent": accent, "gender": gender, "modelCompat": model_compat}
    return voice | {key: value for key, value in optional.items() if value} | {"isCloned": False}
