"""Browser tests of all files of a test process share one running demonstration."""

from aidplatform.testing.browser import chrome, demonstration, live

__all__ = ["chrome", "demonstration", "live"]
