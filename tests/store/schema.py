"""The schema as text, for comparing."""

from pathlib import Path

from eventstore.postgres import Pool

SQL = Path(__file__).with_suffix(".sql").read_text()


async def schema_of(pool: Pool) -> str:
    lines = sorted(row["line"].rstrip() for row in await pool.fetch(SQL))
    return "\n".join(lines) + "\n"
