"""Tests that look at pages in a browser; a package, so that pytest ends the browser with its last test."""
