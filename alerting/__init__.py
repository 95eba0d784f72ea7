"""Alerts before the cap: rules see findings in marts, one state machine turns them into news, an outbox delivers it."""
