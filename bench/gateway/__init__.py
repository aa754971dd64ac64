"""Measurements of the gateway: what people wait for while it has much to do."""
