"""What is seen of a making: one live display on a terminal, plain lines elsewhere, and the log in a file."""

from __future__ import annotations

import io
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from factroots_dagster.cli.instance import written_folder
from factroots_dagster.lookup.terminal import make_console, printable
from factroots_dagster.orchestration.outlook import Outlook
from factroots_dagster.orchestration.progress import LineReporter, Reporter

KEPT_LOGS = 20


def make_log_file(home: Path) -> Path:
    """A new file for the log of a making, in the Dagster home; of older ones the last KEPT_LOGS are kept."""
    folder = written_folder(home) / "run_logs"
    folder.mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.log"))[: 1 - KEPT_LOGS]:
        path.unlink(missing_ok=True)
    return folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"


@contextmanager
def output_in_file(path: Path) -> Iterator[IO[str]]:
    """Send all that this process and those that it starts write into a file; yields the former output.

    Libraries, Spark's Java and Dagster write to the process's own output, past Python's `sys.stdout`.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        with path.open("ab", buffering=0) as log:
            for number in kept:
                os.dup2(log.fileno(), number)
        if _is_process_output(sys.stdout):
            with os.fdopen(os.dup(kept[1]), "w", buffering=1, encoding=sys.stdout.encoding) as stream:
                yield stream
        else:  # it was replaced, as in tests
            yield sys.stdout
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


def _is_process_output(stream: IO[str]) -> bool:
    with suppress(io.UnsupportedOperation, AttributeError, ValueError):
        return stream.fileno() == 1
    return False


@contextmanager
def reporting(stream: IO[str]) -> Iterator[Reporter]:
    """Yield a reporter that writes to a stream: live where it is a terminal, else in plain lines."""
    if not stream.isatty():
        yield LineReporter(lambda line: print(line, file=stream, flush=True), numbered=True)
        return
    reporter = LiveReporter(make_console(file=stream))
    live = Live(
        console=reporter.console,
        get_renderable=reporter.render,
        transient=True,
        redirect_stdout=False,  # what is written there goes into the log
        redirect_stderr=False,
    )
    with live:
        yield reporter


class LiveReporter(Reporter):
    """Shows the stage under way, how far it is, its rate, the time left, and the log's last line.

    Stages that have ended stay above, a line each, with their warnings.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self._title = self._line = ""
        self._assets: Sequence[str] = ()
        self._outlook = Outlook()
        self._pieces, self._finished = 0, Counter[str]()
        self._stage_began = self._last_finished = 0.0
        self._spinner = Spinner("dots")

    def expect(self, stages: Sequence[Sequence[str]]) -> None:
        super().expect(stages)
        self._outlook = Outlook(stages)

    def begin(self, title: str, assets: Sequence[str], partitions: int) -> None:
        super().begin(title, assets, partitions)
        self._title, self._assets, self._line = title, assets, ""
        self._pieces, self._finished = partitions, Counter()
        self._stage_began = time.monotonic()

    def finish_partition(self, name: str) -> None:
        self._finished[name.partition("/")[0]] += 1
        self._last_finished = time.monotonic() - self._stage_began
        self._line = name

    def say(self, line: str) -> None:
        self._line = line

    def warn(self, warning: str) -> None:
        super().warn(warning)
        self.console.print(Text(f"  warning: {printable(warning)}", style="yellow"), crop=True, no_wrap=True)

    def end(self) -> None:
        seconds = time.monotonic() - self._stage_began
        self._outlook.note(self._assets, seconds)
        line = f"✓ {self._number()}: {self._title}  {_duration(seconds)}"
        self.console.print(Text(printable(line), style="green"), crop=True, no_wrap=True)
        self._title = ""

    def render(self) -> RenderableType:
        """The display as it is now."""
        if not self._title:
            return Text("")
        seconds = time.monotonic() - self._stage_began
        finished = min(self._finished.total(), self._pieces)
        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column()
        head.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        head.add_row(self._spinner, Text(f"{self._number()}: {printable(self._title)}", style="bold"))
        bar = Table.grid(padding=(0, 2))
        bar.add_row(
            ProgressBar(total=max(self._pieces, 1), completed=finished, width=30),
            f"{finished} of {self._pieces} partitions",
            _duration(seconds),
            self._describe_pace(finished, seconds),
        )
        line = Text(f"  {printable(self._line)}", style="dim", no_wrap=True, overflow="ellipsis")
        return Group(head, bar, line)

    def _describe_pace(self, finished: int, seconds: float) -> str:
        """Of the stage, once a partition of it is made, and of all stages. seconds: of the stage so far."""
        width = max(1, self._pieces // max(1, len(self._assets)))
        shares = {name: count / width for name, count in self._finished.items()}
        own = self._outlook.estimate_stage(self._assets, seconds, shares, self._last_finished)
        texts = []
        if finished and seconds:
            texts = [f"{60 * finished / seconds:.1f} per minute", f"{_duration(own)} left"]
        if self.total > 1:
            all_stages = own + self._outlook.estimate_later(self.stage)
            texts.append(f"about {_duration(all_stages)} for all stages")
        return ", ".join(texts)

    def _number(self) -> str:
        return f"stage {self.stage} of {max(self.stage, self.total)}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
