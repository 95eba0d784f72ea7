"""Landing of log files: each once, whole or not at all, bad rows beside it in quarantine."""

from __future__ import annotations

import contextlib
import glob
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion import expectations
from ingestion.errors import TokenAtlasError
from ingestion.lake import Lake, Load
from ingestion.lake.files import disk_error
from ingestion.logs.compiler import Program
from ingestion.logs.content import Content
from ingestion.logs.errors import LogFileError
from ingestion.logs.hashing import create_keyed_hash, hash_key
from ingestion.logs.known_files import KnownFiles, file_key
from ingestion.logs.mapping import ID_COLUMN, FileSource, parse_mapping
from ingestion.logs.paths import literal, names_in
from ingestion.logs.readers import Tally, open_rows
from ingestion.logs.scrub import scrub
from ingestion.records import STREAMS

MEMORY_LIMIT = "1GB"
"""Of DuckDB, for one file; what does not fit is spilled beside the lake."""

_GROUP_FILES = 25
_GROUP_BYTES = 4 << 20
"""Small files are checked at the door together, because a check takes a third of a second whatever its size."""

OnProgress = Callable[[str, int], None]


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    Attributes:
        load: The load that holds its content; of an earlier import if the file is a duplicate; null if it failed.
        rows_filtered: Rows left out by ``keep_rows_where`` and ``drop_rows_where``; no part of the rows received.
        refusals: Quarantined rows by reason.
        empty_columns: Columns that the user mapped and that are null in every admitted row: probably a wrong path.
        report: What the suite of its table found, of this and other small files; null if it failed before.
        error: Why nothing of it was landed.
    """

    path: Path
    load: Load | None = None
    rows_filtered: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    empty_columns: tuple[str, ...] = ()
    report: expectations.ValidationReport | None = None
    error: TokenAtlasError | None = None

    @property
    def is_duplicate(self) -> bool:
        """The same content was landed before, under this name or another."""
        return self.load is not None and self.load.skipped


@dataclass(frozen=True)
class ImportResult:
    """What became of each file, in the order in which they were given."""

    files: tuple[FileResult, ...]

    @property
    def landed(self) -> list[FileResult]:
        return [file for file in self.files if file.load is not None and not file.is_duplicate]

    @property
    def duplicates(self) -> list[FileResult]:
        return [file for file in self.files if file.is_duplicate]

    @property
    def failed(self) -> list[FileResult]:
        return [file for file in self.files if file.error is not None]

    def raise_failures(self) -> None:
        """Raise what went wrong with whole files, once everything else has been landed and reported.

        Raises:
            TokenAtlasError: the error of the only failed file, or one that lists all of them.
        """
        errors = [file.error for file in self.files if file.error is not None]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise LogFileError(
                f"{len(errors)} of {len(self.files)} files were not landed",
                where="; ".join(f"{error.where}: {error.what}" for error in errors),
                mend="Mend them and import them again; the other files are landed and will be skipped.",
            )


def matching_files(source: FileSource) -> list[Path]:
    """The files that the source's ``path`` names, a file or a glob, sorted."""
    return sorted(path for path in map(Path, glob.glob(source.path, recursive=True)) if path.is_file())  # noqa: PTH207


def pending_files(source: FileSource, lake: Lake) -> list[Path]:
    """Files of the source that are not known to be in the lake.

    A file that was landed under the same path, size and time of change is not read again. A renamed one is pending; the
    import sees by its content that it was landed.
    """
    known = KnownFiles.beside(lake.root)
    landed = _landed_contents(source, lake)
    pending = []
    for path in matching_files(source):
        sha256 = known.sha256_of(path)
        if sha256 is None or sha256 not in landed:
            pending.append(path)
    return pending


def _landed_contents(source: FileSource, lake: Lake) -> set[str]:
    return {load.content_sha256 for load in lake.loads() if (load.source, load.table) == (source.name, source.table)}


def import_files(
    source: FileSource,
    paths: Sequence[Path],
    lake: Lake,
    now: datetime,
    on_progress: OnProgress | None = None,
    *,
    replace: bool = False,
) -> ImportResult:
    """Land files of one source. A file that cannot be read does not stop the others.

    Args:
        now: The load's clock: rows more than a day later are refused.
        on_progress: Called with the file's name and the rows read so far.
        replace: Land content that was landed before once more, in place of the earlier load: after a mapping has been
            corrected.
    Returns:
        The result of every file. Call its ``raise_failures`` when it has been reported.
    Raises:
        ConfigError: the mapping cannot be used.
    """
    mapping = parse_mapping(source)
    program = Program(mapping, source_name=source.name, account_id=source.account_id, now=now)
    known = KnownFiles.beside(lake.root)
    results = []
    for group in _groups(paths):
        # Before they are read: what is appended meanwhile is not landed, and must make it another file.
        keys = [file_key(path) for path in group]
        with contextlib.ExitStack() as stack:
            landed = _import_group(source, group, lake, program, on_progress, stack, replace=replace)
        for key, result in zip(keys, landed, strict=True):
            if result.load is not None:
                known.remember(key, result.load.content_sha256)
        results += landed
    known.save()
    return ImportResult(tuple(results))


def _groups(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The files in their order: small ones together, large ones alone."""
    group: list[Path] = []
    group_bytes = 0
    for path in paths:
        size = path.stat().st_size if path.is_file() else 0
        if group and (len(group) == _GROUP_FILES or group_bytes + size > _GROUP_BYTES):
            yield group
            group, group_bytes = [], 0
        group.append(path)
        group_bytes += size
    if group:
        yield group


@dataclass(frozen=True)
class _Staged:
    """A file that was read into the relation ``staged`` of its own connection, and not yet landed."""

    path: Path
    name: str
    connection: duckdb.DuckDBPyConnection
    sha256: str
    admitted_sql: str
    rows_received: int
    rows_filtered: int
    refusals: dict[str, int]
    profile: pa.Table


def _import_group(
    source: FileSource,
    paths: list[Path],
    lake: Lake,
    program: Program,
    on_progress: OnProgress | None,
    stack: contextlib.ExitStack,
    *,
    replace: bool,
) -> list[FileResult]:
    files: list[_Staged | FileResult] = []
    for path in paths:
        try:
            connection, scratch = stack.enter_context(_staging(lake.root, program))
            files.append(_read(source, path, program, connection, scratch, on_progress))
        except TokenAtlasError as error:
            files.append(FileResult(path, error=error))
    report = _admitted_together(source, [file for file in files if isinstance(file, _Staged)])
    results = []
    for file in files:
        if isinstance(file, _Staged):
            try:
                own = report or expectations.admit(source.table, file.profile, batch=f"{source.name}, {file.name}")
                results.append(_land(source, file, lake, program, own, replace=replace))
            except TokenAtlasError as error:
                results.append(FileResult(file.path, error=error))
        else:
            results.append(file)
    return results


def _admitted_together(source: FileSource, files: list[_Staged]) -> expectations.ValidationReport | None:
    """The report of all files, or None if they must be looked at one by one, to see which breaks the suite."""
    if len(files) < 2:
        return None
    profiles = pa.concat_tables([file.profile for file in files], promote_options="permissive")
    # Through the package, not by name: the suites' engine imports the scrubbing of this package.
    report = expectations.validate(source.table, profiles, batch=f"{source.name}, {files[0].name} to {files[-1].name}")
    return report if report.success else None


def _read(
    source: FileSource,
    path: Path,
    program: Program,
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    on_progress: OnProgress | None,
) -> _Staged:
    name = _display_name(path, source.path)
    content = Content(path, name)
    tally = Tally(on_rows=lambda rows: on_progress(name, rows) if on_progress else None)
    _stage(connection, scratch, content, source.format, program, tally)
    sha256 = content.sha256()
    received = _count(connection, "true")
    admitted = f"select {_record_columns(program, sha256, name)} from staged where reason is null"
    refusals = _refusals(connection)
    profile = expectations.profile_logs(
        source.table, connection, admitted, rows_received=received, rows_quarantined=sum(refusals.values())
    )
    return _Staged(path, name, connection, sha256, admitted, received, tally.rows - received, refusals, profile)


def _land(
    source: FileSource,
    file: _Staged,
    lake: Lake,
    program: Program,
    report: expectations.ValidationReport,
    *,
    replace: bool,
) -> FileResult:
    load = lake.land_file_load(
        source.table,
        source.name,
        account_id=source.account_id or source.name,
        content_sha256=file.sha256,
        file_name=file.name,
        connection=file.connection,
        admitted_sql=file.admitted_sql,
        quarantine_sql="select file_line, reason, raw_text from staged where reason is not null order by file_line",
        rows_received=file.rows_received,
        replace=replace,
        is_cheap=True,
    )
    return FileResult(
        file.path,
        load=load,
        rows_filtered=file.rows_filtered,
        refusals=file.refusals,
        empty_columns=_empty_columns(file.connection, program),
        report=report,
    )


def _stage(
    connection: duckdb.DuckDBPyConnection, scratch: Path, content: Content, format_: str, program: Program, tally: Tally
) -> None:
    """Convert the file into the relation ``staged``, one pass, nothing but converted columns kept."""
    try:
        rows = open_rows(connection, content, format_, program, tally)
        statement = program.statement(rows, quarantined_text="scrubbed(raw)")
        connection.execute(f"copy ({statement}) to {literal(str(scratch))} (format parquet, compression lz4_raw)")
        connection.execute(f"create view staged as select * from read_parquet({literal(str(scratch))})")
    except duckdb.Error as error:
        if content.error is not None:
            raise content.error from error
        disk = disk_error(error, scratch.parent.parent)
        if disk is not None:
            raise disk from error
        raise LogFileError(
            f"The file cannot be read: {str(error).splitlines()[0]}",
            where=content.name,
            mend="Check format and mapping against the file.",
        ) from error


def _record_columns(program: Program, sha256: str, file_name: str) -> str:
    """The columns of the record; where no id is mapped, content and line make it, so it survives renaming."""
    table = program.mapping.table
    id_column, made = ID_COLUMN[table], f"{literal(sha256[:16] + ':')} || line_id"
    columns = {name: name for name in STREAMS[table].schema.names} | program.constants()
    columns["file_name"] = literal(file_name)
    columns[id_column] = made if columns[id_column] == "null" else f"coalesce({id_column}, {made})"
    return ", ".join(f"{sql} as {name}" for name, sql in columns.items())


def _refusals(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = "select reason, count(*) from staged where reason is not null group by reason order by 2 desc, 1"
    return dict(connection.execute(query).fetchall())


def _empty_columns(connection: duckdb.DuckDBPyConnection, program: Program) -> tuple[str, ...]:
    constants, written = program.constants(), program.mapping.written
    names = [name for name in STREAMS[program.mapping.table].schema.names if name in written and name not in constants]
    if not names:
        return ()
    counts = connection.execute(
        f"select count(*), {', '.join(f'count({name})' for name in names)} from staged where reason is null"
    ).fetchone()
    if not counts or not counts[0]:
        return ()
    return tuple(name for name, count in zip(names, counts[1:], strict=True) if not count)


def _count(connection: duckdb.DuckDBPyConnection, condition: str) -> int:
    row = connection.execute(f"select count(*) from staged where {condition}").fetchone()
    return int(row[0]) if row else 0


@contextlib.contextmanager
def _staging(lake_root: Path, program: Program) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection and a scratch file beside the lake: the system's temporary folder may be small."""
    home = lake_root.parent
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="staging-", dir=home) as folder, duckdb.connect() as connection:
        connection.execute(f"set memory_limit = {literal(MEMORY_LIMIT)}")
        connection.execute(f"set temp_directory = {literal(folder)}")
        connection.execute("set timezone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        if program.has_hashes:
            create_keyed_hash(connection, hash_key(home))
        known_names = names_in(slot.path for slot in program.slots.values() if not slot.is_hashed)
        text = duckdb.sqltypes.VARCHAR
        connection.create_function("scrubbed", lambda raw: scrub(raw, known_names), [text], text)
        yield connection, Path(folder) / "staged.parquet"


def _display_name(path: Path, pattern: str) -> str:
    """The path below the fixed part of the source's glob, which tells files of several folders apart."""
    fixed = []
    for part in Path(pattern).absolute().parts[:-1]:
        if glob.has_magic(part):
            break
        fixed.append(part)
    with contextlib.suppress(ValueError):
        return path.absolute().relative_to(Path(*fixed)).as_posix()
    return path.name
