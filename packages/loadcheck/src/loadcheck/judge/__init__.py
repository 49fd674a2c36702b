"""Turn samples into verdicts: intervals, limits, validity, drift, the highest load."""
