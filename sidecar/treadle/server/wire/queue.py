"""The queue of a thread: messages that wait while a turn runs."""

from __future__ import annotations

from typing import Literal

from .base import Empty, Limit, Params, Wire
from .item import UserInput
from .turn import Turn, TurnStartParams


class QueuedSubmission(Wire):
    id: str
    "Also of the message in its thread, later."
    input: list[UserInput]
    client_user_message_id: str
    responsesapi_client_metadata: dict[str, str] | None


class ThreadQueueAddParams(Params):
    thread_id: str
    input: list[UserInput]
    client_user_message_id: str
    responsesapi_client_metadata: dict[str, str] | None = None


class ThreadQueueAddResponse(Wire):
    queued_submission: QueuedSubmission


class QueueAddParams(TurnStartParams):
    """As thread/queue/add, with the settings that turn/start has: they are in force from the message's turn on."""


class ThreadQueueListParams(Params):
    thread_id: str
    cursor: str | None = None
    limit: Limit | None = None


class ThreadQueueListResponse(Wire):
    data: list[QueuedSubmission]
    next_cursor: str | None


class ThreadQueueUpdateParams(Params):
    thread_id: str
    queued_submission_id: str
    input: list[UserInput]
    responsesapi_client_metadata: dict[str, str] | None = None


class ThreadQueueUpdateResponse(Wire):
    queued_submission: QueuedSubmission


class ThreadQueueDeleteParams(Params):
    thread_id: str
    queued_submission_id: str


class ThreadQueueDeleteResponse(Wire):
    deleted: bool


class ThreadQueueReorderParams(Params):
    thread_id: str
    queued_submission_ids: list[str]
    "All that wait, each once."


class ThreadQueueReorderResponse(Empty):
    """The order is as asked."""


class ThreadQueueStartParams(Params):
    thread_id: str
    queued_submission_id: str | None = None
    "Left out: the first."


class ThreadQueueStartResponse(Wire):
    turn: Turn


class QueuePromoteParams(Params):
    thread_id: str
    id: str


class QueuePromoteResponse(Wire):
    how: Literal["steered", "started", "next"]
    "next: the running turn takes no more; the message is now the first to follow it."
    turn_id: str | None


class ThreadQueueChangedNotification(Wire):
    thread_id: str
