"""What all five services share: events, the consumer loop, the event store, jobs, storage."""
