"""Importing this loads everything that cutting a page needs, the language model included.

It is for the process that workers are forked from, which can be told nothing but what to import:
they are warm when they are born, and share one model.
"""

from services.segmenter.cutting.segment import warm_up

warm_up()
