"""The browser that these pages are looked at with is the one that loadcheck's pages are looked at with."""

from packages.loadcheck.tests.system.pages.conftest import chromium, page, visit

__all__ = ["chromium", "page", "visit"]
