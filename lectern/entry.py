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
    "services.synth.synthesis.engine_worker",
    "services.synth.audio.assembly",
    "services.synth.audio.book",
    "services.synth.audio.loudness.calibration",
    "services.synth.audio.captions",
    "services.synth.audio.page",
    "services.synth.audio.produce",
    "services.synth.audio.placement",
    "services.synth.engines.espeak.engine",
    "services.segmenter.cutting.page_task",
    "services.segmenter.cutting.preload",
)
"""What workers need. It is loaded once, while this process loads the command line."""


def main() -> None:
    """Run the command line, and exit 130 when interrupted, however early."""
    # SIGTERM ends a command as Ctrl-C does; what a shell had us ignore stays ignored.
    ending = [
        caught
        for caught in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(caught) is not signal.SIG_IGN
    ]
    # Not raised while modules are loaded: it may come out of an import as another error, and once
    # it has passed through ``exec``, Python ends by SIGINT although it was caught.
    came: list[int] = []
    for caught in ending:
        signal.signal(caught, lambda number, _: came.append(number))
    if WORKING_COMMANDS.intersection(sys.argv[1:2]):
        from libs.common.runtime.pool import preload
        from services.ingest.sandbox.server_process import ZYGOTE, start_ahead

        preload(*PRELOADED)
        start_ahead(ZYGOTE)
    # All of it stays: to look through it for garbage would take a fifth of a second.
    gc.disable()
    from lectern.cli import main as run

    gc.freeze()
    gc.enable()
    try:
        for caught in ending:
            signal.signal(caught, signal.default_int_handler)
        if came:
            raise KeyboardInterrupt
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
