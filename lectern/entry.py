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
    "services.synth.studio",
    "services.synth.assembly",
    "services.synth.audio.book",
    "services.synth.audio.calibration",
    "services.synth.audio.captions",
    "services.synth.audio.page",
    "services.synth.audio.produce",
    "services.synth.audio.timings",
    "services.synth.engines.espeak",
    "services.segmenter.page_work",
    "services.segmenter.warmed",
)
"""What workers need. It is loaded once, while this process loads the command line."""


def main() -> None:
    """Run the command line, and exit 130 when interrupted, however early."""
    # SIGTERM ends a command as Ctrl-C does; what a shell had us ignore stays ignored.
    ending = [
        each
        for each in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(each) is not signal.SIG_IGN
    ]
    # Not raised while modules are loaded: it may come out of an import as another error, and once
    # it has passed through ``exec``, Python ends by SIGINT although it was caught.
    came: list[int] = []
    for each in ending:
        signal.signal(each, lambda number, _: came.append(number))
    if WORKING_COMMANDS.intersection(sys.argv[1:2]):
        from libs.common.pool import preload
        from services.ingest.zygote_process import start_ahead

        preload(*PRELOADED)
        start_ahead()
    # All of it stays: to look through it for garbage would take a fifth of a second.
    gc.disable()
    from lectern.cli import main as run

    gc.freeze()
    gc.enable()
    try:
        for each in ending:
            signal.signal(each, signal.default_int_handler)
        if came:
            raise KeyboardInterrupt
        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
