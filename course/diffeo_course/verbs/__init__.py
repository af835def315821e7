"""What the course adds to ``diffeo``: ``course`` and ``grade``, a file a verb, no logic of its own."""
