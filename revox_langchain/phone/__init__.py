"""Phone numbers: what was typed becomes one E.164 number with region and class, or an error with a named reason."""

from revox_langchain.phone.number import GLOBAL_REGION, Phone, international_for, parse_phone
from revox_langchain.phone.privacy import mask_phone
from revox_langchain.phone.zones import inside_local_hours

__all__ = ["GLOBAL_REGION", "Phone", "inside_local_hours", "international_for", "mask_phone", "parse_phone"]
