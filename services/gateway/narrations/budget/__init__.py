"""How many characters of an owner are spoken on a day, and what waits for the next one."""
