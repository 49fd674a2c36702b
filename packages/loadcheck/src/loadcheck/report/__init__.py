"""Results for people and programs: a page, the console's table, CSV, JSON, and what CI systems read."""

from loadcheck.report.results_file import Record, read_record
from loadcheck.report.table import render_table
from loadcheck.report.write import properties_of, write_all, write_report

__all__ = ["Record", "properties_of", "read_record", "render_table", "write_all", "write_report"]
