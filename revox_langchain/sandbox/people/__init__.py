"""Who answers the phone in the sandbox, and what they say."""
