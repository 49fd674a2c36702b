"""The browser of these tests: the same that loadcheck's pages are looked at with."""

from packages.loadcheck.tests.system.report_pages.browser import chromium, page, visit

__all__ = ["chromium", "page", "visit"]
