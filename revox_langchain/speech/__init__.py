"""Which language to speak, with which voice, and in which words."""
