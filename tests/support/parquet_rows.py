# SPDX-License-Identifier: Apache-2.0
"""Rows of Parquet files as text, read with DuckDB's library and nothing else: the demo's Python has no packages."""

import ctypes
from pathlib import Path

from . import oracle

PLACES = ("/usr/local/lib/tidemark", Path.home() / ".local/lib/tidemark")


class Result(ctypes.Structure):
    _fields_ = [("counts", ctypes.c_uint64 * 3), ("message", ctypes.c_void_p), ("columns", ctypes.c_void_p),
                ("internal", ctypes.c_void_p)]  # fmt: skip


def libduckdb():
    """Where deploy/install-duckdb has put the library."""
    return next(path for path in (Path(folder) / "libduckdb.so" for folder in PLACES) if path.exists())


def _library():
    library = ctypes.CDLL(str(libduckdb()))
    library.duckdb_value_varchar.restype = ctypes.c_char_p
    library.duckdb_result_error.restype = ctypes.c_char_p
    for function in (library.duckdb_row_count, library.duckdb_column_count):
        function.restype = ctypes.c_uint64
    return library


def parquet_rows(columns, files):
    """A list of the columns' values, as text or None, of each row in files that match the pattern."""
    library = _library()
    database, connection, result = ctypes.c_void_p(), ctypes.c_void_p(), Result()
    library.duckdb_open(None, ctypes.byref(database))
    library.duckdb_connect(database, ctypes.byref(connection))
    wanted = ", ".join(f'"{name}"::VARCHAR' for name in columns)
    query = f"SELECT {wanted} FROM read_parquet('{files}', hive_partitioning = false)"
    try:
        if library.duckdb_query(connection, query.encode(), ctypes.byref(result)):
            raise AssertionError(library.duckdb_result_error(ctypes.byref(result)).decode())
        cell = lambda row, column: library.duckdb_value_varchar(  # noqa: E731
            ctypes.byref(result), ctypes.c_uint64(column), ctypes.c_uint64(row)
        )
        count = library.duckdb_row_count(ctypes.byref(result))
        texts = [[cell(row, column) for column in range(len(columns))] for row in range(count)]
        return [[None if text is None else text.decode() for text in row] for row in texts]
    finally:
        library.duckdb_destroy_result(ctypes.byref(result))
        library.duckdb_disconnect(ctypes.byref(connection))
        library.duckdb_close(ctypes.byref(database))


def summary_rows(gold, dimensions, measures):
    """{(start of the day, *dimensions): {measure: value}} of all days of UTC that a job has summarised below a folder."""
    rows = {}
    for folder in gold.glob("date=*"):
        start = oracle.day(folder.name.removeprefix("date="))
        for row in parquet_rows([*dimensions, *measures], f"{folder}/**/*.parquet"):
            key, values = row[: len(dimensions)], row[len(dimensions) :]
            rows[(start, *key)] = dict(zip(measures, values))
    return rows
