"""Results for people and programs: the console table, CSV and JSON."""
