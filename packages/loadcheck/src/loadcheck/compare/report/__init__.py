"""A comparison for people and programs: page, table, sentences, JSON, OpenMetrics."""
