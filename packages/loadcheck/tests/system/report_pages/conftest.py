"""The browser of these tests."""

from packages.loadcheck.tests.system.report_pages.browser import chromium, page, visit

__all__ = ["chromium", "page", "visit"]
