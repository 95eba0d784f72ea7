"""The tables that optimization is landed in, as the landing contract has them (a test holds the two together)."""

from __future__ import annotations

import pyarrow as pa

SCHEMAS: dict[str, pa.Schema] = {}
"""By stream. Money and other exact numbers travel as decimal text, as everywhere in the lake."""
