"""The OpenAPI document: what routes declare, and what holds for all of them, put together."""
