"""What the Linux kernel takes away from a process that asks for it."""
