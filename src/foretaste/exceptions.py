"""The tree of errors and warnings.

Every error says who, what was expected, what came and what to do. Each derives from `ForetasteError` and from the
built-in it resembles, so that both ``except ForetasteError`` and ``except ValueError`` do what a reader expects.

```
Exception
└── ForetasteError
    ├── InvalidParameterError (ValueError)      a constructor or call argument is out of range
    ├── NotFittedError (ValueError, AttributeError)   'fit' has not been called
    ├── UnknownIdError (KeyError)               an id the model has never met, where that was not allowed
    ├── DataError (ValueError)                  the caller's ratings, file or frame cannot be used as they are
    │   └── DatasetNotFoundError (FileNotFoundError)    a known set is neither here nor to be fetched
    ├── ModelFileError (ValueError)             a saved model is cut short, too new, or not ours
    ├── UnsupportedError (NotImplementedError)  this model cannot do that by its nature
    ├── MissingExtraError (ImportError)         an optional dependency is not installed
    └── DivergenceError (ArithmeticError)       the numbers ran away during fitting

Warning
└── ForetasteWarning (UserWarning)
    ├── UnknownIdWarning                        unknown ids were scored by what is known
    ├── ConvergenceWarning                      the ceiling of epochs came before the end of the learning
    └── DataWarning                             rows were left out, as asked for, and counted
```
"""


class ForetasteError(Exception):
    """Base class of every error foretaste raises on purpose."""


class InvalidParameterError(ForetasteError, ValueError):
    """An argument is of the wrong kind or out of range."""


class NotFittedError(ForetasteError, ValueError, AttributeError):
    """A model was asked for something that only a fitted model knows."""


class UnknownIdError(ForetasteError, KeyError):
    """A user or item id is unknown to the model."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; a message reads better without quotes around it.
        return str(self.args[0])


class DataError(ForetasteError, ValueError):
    """The data given cannot be used as they are."""


class DatasetNotFoundError(DataError, FileNotFoundError):
    """A known data set is not on this machine and could not be fetched."""


class ModelFileError(ForetasteError, ValueError):
    """A model file is cut short, of a newer version, or made by something else."""


class UnsupportedError(ForetasteError, NotImplementedError):
    """The model cannot do this by its nature."""


class MissingExtraError(ForetasteError, ImportError):
    """An optional dependency is needed and not installed."""


class DivergenceError(ForetasteError, ArithmeticError):
    """Training ran away: the loss is no longer a finite number."""


class ForetasteWarning(UserWarning):
    """Base class of every warning foretaste gives."""


class UnknownIdWarning(ForetasteWarning):
    """Unknown ids were scored by what is known about the rest."""


class ConvergenceWarning(ForetasteWarning):
    """Training ended at its ceiling of epochs while it was still improving."""


class DataWarning(ForetasteWarning):
    """Rows were left out, as asked for."""
