"""The weekly digest: what the marts say of one week, as one page and as a letter."""
