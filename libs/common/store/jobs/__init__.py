"""Long work as leased rows, which wait in queues of their owners.

    waiting -> ready -> running -> gone
                 suspect -^        waiting, ready or suspect again, if it did not end

``waiting`` is due later, ``ready`` is counted in the queue of its kind and owner, ``suspect`` ran
when its process died, again and again, and runs alone. Queues take turns: whose queue is served
goes to the end of the line.
"""
