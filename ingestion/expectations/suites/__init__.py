"""The suites, as code. Importing a module here imports Great Expectations, which takes seconds."""
