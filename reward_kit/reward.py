"""Rewards: the `@reward_function` decorator, and any reward loaded, recognised by its call shape and called."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import sys
import typing
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, overload

from pydantic import ValidationError

from reward_kit.call_shapes import CallShape, annotations_of, detect_shape
from reward_kit.errors import DeadlineError, RewardShapeError
from reward_kit.models import EvaluateResult, Message, Sample

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reward:
    """A function under test with the call shape it was recognised by, and whether calling it gives a coroutine."""

    name: str
    function: Callable[..., Any]
    shape: CallShape
    is_async: bool

    @property
    def calls_many(self) -> bool:
        """True where one call, or one event loop, takes several rows at once."""
        return self.shape.many or self.is_async

    def describe(self) -> str:
        """One line for people: the name and the shape found."""
        return f"{self.name} ({self.shape.title}{', async' if self.is_async else ''})"

    def call(self, samples: Sequence[Sample], deadline: float) -> list[Any]:
        """Grade the samples and return what the reward returned for each, in order.

        Args:
            samples: one sample, or several where `calls_many`.
            deadline: seconds an async call may take; a synchronous one is bounded by whoever runs this process.

        Raises:
            Exception: whatever the reward raises; RewardShapeError where it returned a wrong number of results.
        """
        groups = [samples] if self.shape.many else [[sample] for sample in samples]
        if self.is_async:
            answers = asyncio.run(self._call_async(groups, deadline))
        else:
            answers = [_finished(self.function(**self.shape.arguments(group))) for group in groups]
        pairs = zip(groups, answers, strict=True)
        return [value for group, answer in pairs for value in self.shape.unpack(answer, len(group))]

    async def _call_async(self, groups: Sequence[Sequence[Sample]], deadline: float) -> list[Any]:
        calls = [_within(deadline, self.function(**self.shape.arguments(group))) for group in groups]
        return await asyncio.gather(*calls)


async def _within(deadline: float, call: Awaitable[Any]) -> Any:
    """What a call gives; its own TimeoutError is its own, ours is a DeadlineError."""
    try:
        async with asyncio.timeout(deadline) as limit:
            return await call
    except TimeoutError:
        if limit.expired():
            raise DeadlineError(f"no result within {deadline:g} s") from None
        raise


def _finished(answer: Any) -> Any:
    """What a call came to: an undeclared coroutine, as a plain wrapper of an async reward returns it, is run."""
    if not inspect.isawaitable(answer):
        return answer

    async def awaited() -> Any:
        return await answer

    return asyncio.run(awaited())


def as_reward(function: object, name: str | None = None) -> Reward:
    """A callable as a `Reward`.

    Raises:
        RewardShapeError: where the signature fits no known call shape, or several.
    """
    if isinstance(function, Reward):
        return function
    if not callable(function):
        raise RewardShapeError(f"{name or function!r} is {type(function).__name__}, not a function")
    shown = name or getattr(function, "__qualname__", None) or type(function).__name__
    return Reward(shown, function, detect_shape(shown, function), _is_async(function))


def _is_async(function: Callable[..., Any]) -> bool:
    """True for `async def`, and for an object whose __call__ is one."""
    return any(map(inspect.iscoroutinefunction, (function, getattr(function, "__call__", None))))  # noqa: B004


def load_reward(path: str, search: Iterable[Path] = ()) -> Reward:
    """The reward at a dotted path "module:function".

    Args:
        path: the module as it is imported, a colon, and the function or an attribute path to it.
        search: as for `load_object`.

    Raises:
        RewardShapeError: naming what is missing, or the error that importing the module raised.
    """
    return as_reward(load_object(path, search), path)


def load_object(path: str, search: Iterable[Path] = (), what: str = "reward") -> Any:
    """What stands at a dotted path "module:attribute".

    Args:
        path: the module as it is imported, a colon, and an attribute path.
        search: folders to import from before sys.path, the first before the others. A module file in the first is
            the one that must be loaded.
        what: what messages call it.

    Raises:
        RewardShapeError: naming what is missing, or the error that importing the module raised.
    """
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise RewardShapeError(f'{what} {path!r} is not of the form "module:function"')
    folders = [folder.resolve() for folder in search]
    for folder in reversed(folders):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raised = f"{type(error).__name__}: {error}"
        raise RewardShapeError(f"{what} {path!r}: importing {module_name} failed ({raised})") from error
    _refuse_namesake(f"{what} {path!r}", module_name, folders)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise RewardShapeError(f"{what} {path!r}: {module_name} has no {attribute!r}{_did_you_mean(part, found)}")
        found = getattr(found, part)
    return found


def _refuse_namesake(named: str, module: str, folders: Sequence[Path]) -> None:
    """Python keeps one module a name: where two suites have a reward.py each, the first must not serve for both.

    The first of `folders` that has a file for the module must be where it was loaded from.
    """
    loaded = getattr(sys.modules.get(module), "__file__", None)
    place = Path(*module.split("."))
    for file in (folder / tail for folder in folders for tail in (place / "__init__.py", place.with_suffix(".py"))):
        if file.is_file():
            if loaded is None or not file.samefile(loaded):
                raise RewardShapeError(
                    f"{named}: {module} is loaded from {loaded or 'Python itself'}, not from {file}. "
                    "Rename the file: module names must be unique in a run"
                )
            return


def _did_you_mean(name: str, holder: Any) -> str:
    import difflib

    near = difflib.get_close_matches(name, [known for known in dir(holder) if not known.startswith("_")], n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


@overload
def reward_function(function: F, /) -> F: ...


@overload
def reward_function(
    *,
    mode: Literal["pointwise", "batch"] = "pointwise",
    id: str | None = None,
    requirements: list[str] | None = None,
    resources: dict[str, Any] | None = None,
) -> Callable[[F], F]: ...


def reward_function(
    function: Callable[..., Any] | None = None,
    *,
    mode: Literal["pointwise", "batch"] = "pointwise",
    id: str | None = None,  # the keyword is reward-kit's
    requirements: list[str] | None = None,
    resources: dict[str, Any] | None = None,
) -> Any:
    """Mark a function as a reward, as reward-kit 0.4.1 does.

    Messages (and a ground truth) annotated `list[Message]` arrive as `Message` objects; what the function returns
    is checked to be an `EvaluateResult` (a list of them with mode="batch"). `async def` is kept.

    Args:
        mode: "pointwise" takes `messages`, "batch" takes `rollouts_messages`, a list of conversations.
        id: a name for the evaluator.
        requirements: pip requirements of the evaluator.
        resources: kept with the function; reward-kit sets resources up at decoration, this does not.

    Raises:
        ValueError: where the function does not accept `**kwargs`.
    """
    if function is None:
        return functools.partial(_decorate, mode=mode, id=id, requirements=requirements, resources=resources)
    return _decorate(function, mode=mode, id=id, requirements=requirements, resources=resources)


def _decorate(function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    signature = inspect.signature(function)
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values()):
        raise ValueError(f"{function.__qualname__}{signature} must accept **kwargs: rewards get every column of a row")
    if settings["mode"] not in ("pointwise", "batch"):
        raise ValueError(f"mode {settings['mode']!r} is not 'pointwise' or 'batch'")
    coerce = _argument_coercion(function, signature)
    check = _checked_list if settings["mode"] == "batch" else _checked

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            positional, named = coerce(args, kwargs)
            return check(await cast(Awaitable[Any], function(*positional, **named)))

        wrapper: Callable[..., Any] = async_wrapper
    else:

        @functools.wraps(function)
        def sync_wrapper(*args: Any, **kwargs: Any) -> Any:
            positional, named = coerce(args, kwargs)
            return check(function(*positional, **named))

        wrapper = sync_wrapper
    for key, value in settings.items():
        setattr(wrapper, f"_reward_function_{key}", value)
    return wrapper


_Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _argument_coercion(
    function: Callable[..., Any], signature: inspect.Signature
) -> Callable[[tuple[Any, ...], dict[str, Any]], _Arguments]:
    """How the arguments annotated as lists of Message become that; decided once, at decoration."""
    hints = annotations_of(function)
    message_lists = {name for name, hint in hints.items() if hint == list[Message] or hint == typing.List[Message]}  # noqa: UP006
    nested = {name for name, hint in hints.items() if hint in (list[list[Message]], typing.List[typing.List[Message]])}  # noqa: UP006
    wanted = (message_lists | nested) & {"messages", "rollouts_messages", "ground_truth"}
    if not wanted:
        return lambda args, kwargs: (args, kwargs)

    def coerce(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
        bound = signature.bind_partial(*args, **kwargs)
        for name in wanted & bound.arguments.keys():
            if isinstance(value := bound.arguments[name], (list, tuple)):
                bound.arguments[name] = [_messages(item) if name in nested else _message(item) for item in value]
        return bound.args, bound.kwargs

    return coerce


def _messages(items: Iterable[Any]) -> list[Message]:
    return [_message(item) for item in items]


def _message(item: Any) -> Message:
    return item if isinstance(item, Message) else Message.model_validate(item)


def _checked(result: Any) -> EvaluateResult:
    if isinstance(result, EvaluateResult):
        return result
    try:
        return EvaluateResult.model_validate(result)
    except ValidationError as error:
        what = "; ".join(
            f"{'.'.join(map(str, found['loc'])) or 'the result'}: {found['msg']}" for found in error.errors()
        )
        raise ValueError(
            f"a reward under @reward_function returns an EvaluateResult or a dict like one, not {result!r} ({what})"
        ) from None


def _checked_list(results: Any) -> list[EvaluateResult]:
    if not isinstance(results, (list, tuple)):
        raise ValueError(f"a batch reward returns a list of results, not {type(results).__name__}")
    return [_checked(result) for result in results]
