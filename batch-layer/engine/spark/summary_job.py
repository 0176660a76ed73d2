
# What follows is the same for every job.

FIRST_US, END_US = 946_684_800_000_000, 4_102_444_800_000_000  # the years 2000 until 2099
RFC3339 = (
    r"^\\d{4}-\\d\\d-\\d\\d[Tt ]([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)?\\z"
)
INTEGERS = (types.ByteType, types.ShortType, types.IntegerType, types.LongType)
TOO_FINE = ("digits behind the point, and none are declared", "more than 1 digit behind the point",
            "more than 2 digits behind the point", "more than 3 digits behind the point")  # fmt: skip
FRACTION = "a fraction or an exponent, not an integer"


class Refused(Exception):
    """What is read isn't what the summary needs."""


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def sql_type(kind):
    """The type of a declared field's values."""
    return f"DECIMAL({15 + kind}, {kind})" if isinstance(kind, int) else {"text": "STRING", "integer": "BIGINT"}[kind]


class Value:
    """An expression that never fails, and, of each way to be bad, when it is and why."""

    def __init__(self, name, column, sql):
        self.name, self.column, self.sql, self.reasons = name, column, sql.replace("@", column), []

    def bad(self, condition, reason):
        self.reasons.append((condition.replace("@", self.column).replace("#", f"({self.sql})"), f"{self.name}: {reason}"))


def text_value(name, column, dtype, need):
    if isinstance(dtype, types.StringType):
        value = Value(name, column, "@")
    elif isinstance(dtype, types.DateType):
        value = Value(name, column, "CAST(@ AS STRING)")
    elif isinstance(dtype, (types.TimestampType, types.TimestampNTZType)):
        value = Value(name, column, "replace(CAST(@ AS STRING), ' ', 'T') || 'Z'")
    else:
        return None
    if need == "key":
        value.bad("# = ''", "an empty key")
        value.bad("octet_length(#) > 256", "longer than 256 bytes")
    if isinstance(dtype, types.StringType):
        value.bad("contains(#, char(0))", "a NUL character in a text")
    return value


def integer_value(name, column, dtype):
    value = Value(name, column, "try_cast(@ AS BIGINT)")
    if isinstance(dtype, types.DecimalType):
        value.bad(f"NOT (try_cast(try_cast(@ AS DECIMAL(38, 0)) AS {dtype.simpleString()}) <=> @)", FRACTION)
    elif isinstance(dtype, types.DoubleType):
        value.bad("@ NOT IN (double('NaN'), double('Infinity'), double('-Infinity')) AND @ <> rint(@)", FRACTION)
    elif not isinstance(dtype, INTEGERS):
        return None
    value.bad("@ IS NOT NULL AND # IS NULL", "an integer beyond 64 bits")
    return value


def decimal_value(name, column, dtype, scale):
    value = Value(name, column, f"try_cast(@ AS {sql_type(scale)})")
    if isinstance(dtype, types.DoubleType):
        value.bad("@ IN (double('NaN'), double('Infinity'), double('-Infinity'))", "not a number")
        value.bad("abs(@) >= 1e15", "10^15 or more")
        value.bad("@ IS NOT NULL AND NOT (CAST(# AS DOUBLE) <=> @)", TOO_FINE[scale])
        return value
    if isinstance(dtype, types.DecimalType) and dtype.scale > scale:
        value.bad(f"# IS NOT NULL AND NOT (try_cast(# AS {dtype.simpleString()}) <=> @)", TOO_FINE[scale])
    elif not isinstance(dtype, (types.DecimalType, *INTEGERS)):
        return None
    value.bad("@ IS NOT NULL AND # IS NULL", "10^15 or more")
    return value


def field_value(name, kind, column, dtype, need):
    """Of a declared field, from a column; None where no value of such a column can be held."""
    if kind == "text":
        value = text_value(name, column, dtype, need)
    elif kind == "integer":
        value = integer_value(name, column, dtype)
    else:
        value = decimal_value(name, column, dtype, kind)
    if value and need:
        value.reasons.insert(0, (f"{column} IS NULL", f"{name}: null"))
    return value


def event_time_value(name, column, dtype):
    """Microseconds since 1970."""
    late = "a time before 2000 or after 2099"
    if isinstance(dtype, (types.TimestampType, types.TimestampNTZType, types.DateType)):
        value = Value(name, column, "unix_micros(CAST(@ AS TIMESTAMP))")
    elif isinstance(dtype, types.StringType) and EVENT_TIME_FACTOR is None:
        value = Value(name, column,
            f"CASE WHEN @ RLIKE '{RFC3339}' THEN"
            " unix_micros(try_cast(replace(upper(substring(@, 1, 19)), 'T', ' ') AS TIMESTAMP))"
            " + CAST(rpad(substring(regexp_extract(@, '\\\\.(\\\\d+)', 1), 1, 6), 6, '0') AS BIGINT)"
            " - CASE WHEN @ RLIKE '[+-]\\\\d\\\\d:\\\\d\\\\d\\\\z' THEN"
            " (CAST(substring(@, -5, 2) AS BIGINT) * 3600 + CAST(substring(@, -2, 2) AS BIGINT) * 60)"
            " * CASE substring(@, -6, 1) WHEN '-' THEN -1000000 ELSE 1000000 END ELSE 0 END END")  # fmt: skip
        late = "not spelled as an RFC 3339 time, such as 2026-01-31T12:00:00Z"
    elif isinstance(dtype, INTEGERS) and EVENT_TIME_FACTOR is not None:
        value = Value(name, column, f"try_cast(CAST(@ AS DECIMAL(20, 0)) * {EVENT_TIME_FACTOR} AS BIGINT)")
    else:
        return None
    value.bad("@ IS NULL", "null")
    value.bad("# IS NULL", late)
    value.bad(f"# < {FIRST_US} OR # >= {END_US}", "a time before 2000 or after 2099")
    return value


# --- Rows -----------------------------------------------------------------------------------------------------------


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def open_file(spark, path):
    escaped = re.sub(r"([\\*?\[\]{}])", r"\\\1", os.path.abspath(path))
    try:
        return spark.read.parquet("file:" + escaped)
    except Exception as error:
        raise Refused(f"{path} can't be read as Parquet: {str(error).splitlines()[0]}") from error


def judged(frame, path, number, wanted, needs, log):
    """The rows of a file as typed values of the wanted fields, with their place, and why a row is bad."""
    columns = {field.name: field.dataType for field in frame.schema}
    values = []
    for name in wanted:
        if name not in columns:
            raise Refused(f'{path} has no column "{name}", which other files of the folder have')
        value = field_value(name, FIELDS[name], quoted(name), columns[name], needs.get(name))
        if value is None:
            raise Refused(f'{path}: the column "{name}" is of the type {columns[name].simpleString()}, '
                          f"which can't be {FIELDS[name] if isinstance(FIELDS[name], str) else 'a decimal'}")  # fmt: skip
        values.append((value, name))
    more = []
    if log:
        at = EVENT_TIME if EVENT_TIME in columns or "tm_offset" not in columns else "timestamp"
        if at not in columns:
            raise Refused(f'{path} has no column "{at}", which is the event time')
        value = event_time_value(at, quoted(at), columns[at])
        if value is None:
            raise Refused(f'{path}: the column "{at}" is of the type {columns[at].simpleString()}, which can\'t be a time')
        values.append((value, "tm_event_us"))
        if VERSION and VERSION not in columns:
            raise Refused(f'{path} has no column "{VERSION}", which is the "version" of the job')
        more += [f"{quoted(VERSION)} AS tm_version"] if VERSION else []
        more += ["CAST(tm_partition AS BIGINT) AS tm_partition", "CAST(tm_offset AS BIGINT) AS tm_offset"] * ("tm_offset" in columns)
        if "tm_live" in columns:
            frame = frame.where("tm_live")
    reasons = [f"WHEN {condition} THEN {literal(reason)}" for value, _ in values for condition, reason in value.reasons]
    return frame.selectExpr(
        *(f"{value.sql} AS {quoted(name)}" for value, name in values),
        *more,
        f"CAST({number} AS BIGINT) AS tm_file",
        "_metadata.row_index AS tm_row",
        f"CASE {' '.join(reasons)} END AS tm_reason" if reasons else "CAST(NULL AS STRING) AS tm_reason",
    )


def check_alike(frames):
    """What orders versions and what says which count: all files have it, as the same type, or none has."""
    (first, frame), *others = frames
    for name in ("tm_partition", "tm_offset", "tm_live", *([VERSION] if VERSION else [])):
        found = [field.dataType for field in frame.schema if field.name == name]
        for path, other in others:
            if [field.dataType for field in other.schema if field.name == name] != found:
                raise Refused(f'{path}: the column "{name}" is not as in {first}: all files have it as one type, or none')


def none(spark, wanted):
    """What a day without files has: each field, and no row."""
    own = {"tm_event_us": "BIGINT", **({"tm_version": "BIGINT"} if VERSION else {}), "tm_file": "BIGINT", "tm_row": "BIGINT"}
    columns = {**{name: sql_type(FIELDS[name]) for name in wanted}, **own, "tm_reason": "STRING"}
    return spark.sql(f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {quoted(name)}' for name, kind in columns.items())} WHERE false")


def folder(spark, paths, wanted, needs, log):
    if not paths:  # only of orders, with "allow_empty: true"
        return wanted, none(spark, wanted)
    frames = [(path, open_file(spark, path)) for path in paths]
    there = [name for name in wanted if any(name in frame.columns for _, frame in frames)]
    if log:
        check_alike(frames)
    rows = [judged(frame, path, number, there, needs, log) for number, (path, frame) in enumerate(frames)]
    try:
        return there, functools.reduce(lambda a, b: a.unionByName(b), rows)
    except AnalysisException as error:
        raise Refused(f"{os.path.dirname(paths[0])}: files whose columns differ: {str(error).splitlines()[0]}") from error


def live(messages):
    """Of each order the version that counts."""
    good = messages.where("tm_reason IS NULL")
    if ON_DUPLICATE == "none":
        return good
    order, nulls = ("DESC", "LAST") if ON_DUPLICATE == "replace" else ("ASC", "FIRST")
    by = [quoted(KEY)] + ["tm_partition"] * ("tm_offset" in messages.columns)
    ascending = [c for c in ("tm_version", "tm_offset", "tm_file", "tm_row") if c in messages.columns]
    ordered = ", ".join(f"{c} {order} NULLS {nulls}" for c in ascending)
    rank = f"row_number() OVER (PARTITION BY {', '.join(by)} ORDER BY {ordered}) AS tm_rank"
    return good.selectExpr("*", rank).where("tm_rank = 1")


def with_joins(spark, orders, there, bad):
    """Orders with those fields that a join brings: each from the first that has it."""
    for number, (paths, on) in enumerate(JOINS, 1):
        wanted = [on] + [name for name in USED if name not in there and name != on and FIELDS[name] in ("text", "integer")]
        found, rows = folder(spark, paths, wanted, {}, False)
        if on not in found or on not in there:
            raise Refused(f'{paths[0]}: it is joined by "{on}", which both sides have to have')
        bad.append((number, paths, rows))
        good = rows.where("tm_reason IS NULL").select(*found)
        double = good.where(f"{quoted(on)} IS NOT NULL").groupBy(on).count().where("count > 1").orderBy(on).first()
        if double:
            raise Refused(f"{os.path.dirname(paths[0])}: two rows have the key '{double[0]}', by which it is joined")
        orders = orders.join(good, on, "left")
        there = there + [name for name in found if name not in there]
    for name in USED:
        if name not in there:
            raise Refused(f'{FILES[0]} has no column "{name}", which is used by the view{", and no join has it" * bool(JOINS)}')
    return orders


def measure(name, kind, field):
    column = quoted(field) if field else "*"
    scale = FIELDS[field] if field and isinstance(FIELDS[field], int) else 0
    exact = f"CAST(sum(CAST({column} AS DECIMAL(28, {scale}))) AS DECIMAL(38, {scale}))"
    minor = f"CAST(replace(CAST({exact} AS STRING), '.', '') AS DECIMAL(38, 0))"
    count = f"CAST(count({column}) AS DECIMAL(20, 0))"
    average = f"CAST(sign({exact}) AS INT) * ((2 * abs({minor}) + {count}) div (2 * {count}))"
    sql = {
        "count": f"count({column})",
        "sum": exact,
        "avg": f"CASE WHEN count({column}) > 0 THEN CAST(CAST({average} AS DECIMAL(20, 0)) * CAST(1e-{scale} AS DECIMAL(4, {scale})) AS DECIMAL(38, {scale})) END",
        "unique": f"count(DISTINCT {column})",
        "min": f"min({column})",
        "max": f"max({column})",
    }[kind]
    if kind in ("min", "max") and scale:
        sql = f"CAST({sql} AS DECIMAL(38, {scale}))"
    return f"{sql} AS {quoted(name)}"


def summary(orders):
    counted = orders.where(WHERE) if WHERE else orders
    of_day = " OR ".join(f"tm_event_us >= {start} AND tm_event_us < {end}" for start, end in DAY_US)
    measures = [functions.expr(measure(*m)) for m in MEASURES]
    own = [functions.expr("count(*) AS tm_count"), functions.expr(f"count_if(NOT ({of_day})) AS tm_other")]
    return counted.groupBy(*map(quoted, DIMENSIONS)).agg(*measures, *own).where("tm_count > 0")


# --- Files -----------------------------------------------------------------------------------------------------------


def tell_bad(bad, path):
    """Writes a line for each bad row; returns how many there are, and the first."""
    count, first = 0, ""
    with open(path, "w", encoding="utf-8") as file:
        for _, paths, rows in bad:
            rows = rows.where("tm_reason IS NOT NULL").select("tm_file", "tm_row", "tm_reason").orderBy("tm_file", "tm_row")
            for row in (rows.limit(BREAKER + 1) if BREAKER else rows).toLocalIterator():
                told = {"file": paths[row.tm_file], "row": row.tm_row + 1, "reason": row.tm_reason}
                count += 1
                first = first or f"{told['file']}, row {told['row']}: {told['reason']}"
                file.write(json.dumps(told, ensure_ascii=False) + "\n")
                if count == BREAKER + 1 and BREAKER:
                    raise Refused(f'more than {BREAKER} rows are bad, which is the source\'s "breaker"; the first: {first}')
    return count, first


def write(rows, target, run):
    """One file a folder; the columns by which there are folders are in the files, too."""
    folders = [f"tm_folder_{i}" for i in range(len(PARTITION_BY))]
    texts = (f"nullif(CAST({quoted(c)} AS STRING), '')" for c in PARTITION_BY)
    values = (f"nullif({text}, '__HIVE_DEFAULT_PARTITION__') AS {f}" for text, f in zip(texts, folders))
    named = rows.selectExpr("*", *values)
    named = named.drop("tm_count", "tm_other").coalesce(1)
    named = named.sortWithinPartitions(*folders, *(functions.col(quoted(d)).asc_nulls_first() for d in DIMENSIONS))
    named.write.partitionBy(*folders).mode("append").parquet("file:" + os.path.abspath(target))
    for path, below, files in os.walk(target, topdown=False):
        for name in files:
            if name.endswith(".crc") or name == "_SUCCESS":
                os.remove(os.path.join(path, name))
            elif name.endswith(".parquet"):
                os.rename(os.path.join(path, name), os.path.join(path, f"part-{run}.parquet"))
        for name in below:
            if name.startswith("tm_folder_"):
                number, value = name[len("tm_folder_") :].split("=", 1)
                os.rename(os.path.join(path, name), os.path.join(path, f"{PARTITION_BY[int(number)]}={value}"))


def run(spark, arguments):
    needs = {name: "value" for name, kind in FIELDS.items() if isinstance(kind, int)}
    needs.update({KEY: "key"} if ON_DUPLICATE != "none" else {})
    there, messages = folder(spark, FILES, list(FIELDS), needs, True)
    for name in needs:
        if name not in there:
            raise Refused(f'{FILES[0]} has no column "{name}", which is {"the key" if name == KEY else "a decimal, and required"}')
    bad = [(0, FILES, messages.persist())]
    orders = with_joins(spark, live(messages), there, bad)
    if not arguments.write:
        columns = DIMENSIONS + [name for name, _, _ in MEASURES]
        summary(orders).select(*columns).orderBy(*(functions.col(quoted(d)).asc_nulls_first() for d in DIMENSIONS)).show(1000, False)
        return
    bad_count, first_bad = tell_bad(bad, arguments.bad)
    rows = summary(orders).persist()
    total = rows.selectExpr("coalesce(sum(tm_count), 0) AS orders", "coalesce(sum(tm_other), 0) AS other", "count(*) AS rows").first()
    if total.rows == 0 and bad_count and not ALLOW_EMPTY:
        raise Refused(f"no order of {os.path.dirname(FILES[0])} counts, and {bad_count} rows are bad; the first: {first_bad}")
    if total.rows == 0 and not ALLOW_EMPTY:
        raise Refused(f'no order of {os.path.dirname(FILES[0])} counts: an empty day is written only with "allow_empty: true"')
    write(rows, arguments.write, arguments.run)
    with open(arguments.report, "w") as file:
        print(messages.count(), bad_count, total.orders, total.other, total.rows, file=file)


def main():
    parser = argparse.ArgumentParser(description="without --write the rows are shown")
    for option in ("--write", "--run", "--report", "--bad"):
        parser.add_argument(option)
    spark = SparkSession.builder.appName(NAME).getOrCreate()
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.caseSensitive": "true",
        "spark.sql.ansi.enabled": "false",
        "spark.sql.decimalOperations.allowPrecisionLoss": "true",
        "spark.sql.parquet.enableVectorizedReader": "true",
    }.items():
        spark.conf.set(key, value)
    spark.sparkContext.setLogLevel("ERROR")
    try:
        run(spark, parser.parse_args())
    except Refused as refused:
        print(f"tidemark: {refused}", file=sys.stderr)
        sys.exit(65)
    finally:
        spark.stop()


main()
