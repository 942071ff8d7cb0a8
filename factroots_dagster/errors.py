"""The one error that means: the input is at fault, here is what and how to mend it."""

from __future__ import annotations


class InputError(ValueError):
    """Raised for bad input (files, settings, checkpoints, partition keys).

    The message names the file, line, setting or partition at fault and the remedy; it is shown to
    the user as it stands, and a step that fails with it is not retried.
    """
