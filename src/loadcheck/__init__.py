"""Load tests as pytest tests: start a server, drive it with Locust, judge the raw samples."""
