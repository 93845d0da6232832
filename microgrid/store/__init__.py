"""The result store: a folder of Parquet, one file a table and run, and one index of all runs.

``store.json`` tells the format, ``index.jsonl`` has a line a case, ``<table>/<run>.parquet`` the run's tables. pandas
and DuckDB read a table of all runs at once, without this package: ``pd.read_parquet("results/flows")``.
"""
