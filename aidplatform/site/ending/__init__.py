"""The end of a pool: its page, its doors for programs, and what is still open before it closes."""
