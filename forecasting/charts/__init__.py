"""Pictures for a slide, as image bytes: plain rows in the columns of the marts in, the finding in the title."""
