"""Forecasting models, all in one fit-and-predict shape (``base``)."""
