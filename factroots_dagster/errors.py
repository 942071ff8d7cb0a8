"""The one error that means: the input is at fault, here is what and how to mend it."""

from __future__ import annotations


class InputError(ValueError):
    """Raised for bad input (files, settings, checkpoints, partition keys).

    The message names the file, line, setting or partition at fault and the remedy; it is shown to
    the user as it stands, and a step that fails with it is not retried.
    """


class UnavailableError(InputError):
    """Raised when something outside cannot be reached now: the step is tried again after a while.

    Bad input stays bad; a server that does not answer may answer in a minute.
    """
