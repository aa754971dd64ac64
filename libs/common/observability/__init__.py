"""What operators see of a service: metrics, logs, traces, health; and what they must not see."""
