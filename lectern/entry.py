"""Where the ``lectern`` command begins.

Worker processes import the main module again, under another name. What it imports at its top they
would all load, so the command line is imported only when it is going to run.
"""

import gc
import signal
import sys

INTERRUPTED = 130
WORKING_COMMANDS = {"read", "serve", "voices"}
PRELOADED = (
    "services.segmenter.segment",
    "services.synth.studio",
    "services.synth.audio.book",
    "services.synth.audio.calibration",
    "services.synth.audio.page",
    "services.synth.audio.produce",
    "services.synth.audio.timings",
)
"""What workers need. It is loaded once, while this process loads the command line."""


def main() -> None:
    """Run the command line, and exit 130 when interrupted, however early."""
    try:
        # SIGTERM ends a command as Ctrl-C does, from here on and not only once it is loaded.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if WORKING_COMMANDS.intersection(sys.argv[1:2]):
            from libs.common.pool import preload

            preload(*PRELOADED)
        # All of it stays: to look through it for garbage would take a fifth of a second.
        gc.disable()
        from lectern.cli import main as run

        gc.freeze()
        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
