"""request_user_input: the model asks the user one to three questions and waits for the answers. Touches nothing."""

from __future__ import annotations

from typing import cast

from ..core.asking import Choice, Question, QuestionPart
from ..core.errors import ToolFailure
from ..core.items import JsonObject, dumps
from ..core.policy import Harmless
from ..core.truncate import clip
from ..core.views import ToolView
from ..runtime.ports import Call, Plan, Scope, ToolResult
from . import arguments
from .exec_command import description

NAME = "request_user_input"
MAX_QUESTIONS, MAX_OPTIONS, TEXT_BYTES = 3, 8, 2_000
NOBODY = "There is nobody to ask in this thread. Decide by yourself, say what you assumed, and go on."
NO_ANSWER = "The user did not answer. Do not ask the same again: go on with what is most likely wanted, or end your turn."
_FAILED = "failed to parse function arguments: "


class RequestUserInput:
    name = NAME
    parallel = True

    def spec(self, custom_tools: bool) -> JsonObject:
        option: JsonObject = {
            "type": "object",
            "properties": {"label": {"type": "string"}, "description": {"type": "string"}},
            "required": ["label"],
            "additionalProperties": False,
        }
        question: JsonObject = {
            "type": "object",
            "properties": {
                "id": {"type": "string", "description": "A name for the answer, in snake_case."},
                "header": {"type": "string", "description": "A heading of one to three words."},
                "question": {"type": "string", "description": "One sentence."},
                "options": {
                    "type": "array",
                    "items": option,
                    "description": "Two to four answers to choose from, the one you would take first. An own answer is always "
                    "possible: do not offer it.",
                },
            },
            "required": ["id", "question"],
            "additionalProperties": False,
        }
        return {
            "type": "function",
            "name": NAME,
            "description": description(NAME),
            "strict": False,
            "parameters": {
                "type": "object",
                "properties": {"questions": {"type": "array", "items": question, "description": "One to three questions."}},
                "required": ["questions"],
                "additionalProperties": False,
            },
        }

    async def prepare(self, call: Call, scope: Scope) -> Plan:
        given = arguments.parsed(call.arguments)
        drawn: ToolView = {"view": "tool", "tool": NAME, "arguments": given}
        return Plan(drawn, Harmless(), _parts(given.get("questions")))

    async def run(self, call: Call, plan: Plan, scope: Scope) -> ToolResult:
        if scope.ask is None or scope.settings.approval_policy == "never":
            return ToolResult(NOBODY, cast("ToolView", {**plan.view, "result": NOBODY, "success": False}))
        clock = scope.clock
        asked = Question(clock.new_id(), call.thread_id, call.turn_id, call.item_id, clock.now(), plan.data)
        decision = await scope.ask(asked)
        if decision.verdict != "accept" or not decision.content:
            return ToolResult(NO_ANSWER, cast("ToolView", {**plan.view, "result": NO_ANSWER, "success": False}))
        answers = {name: {"answers": said} for name, said in decision.content.items()}
        text = dumps({"answers": answers})
        return ToolResult(text, cast("ToolView", {**plan.view, "result": text, "success": True}))


def _parts(given: object) -> tuple[QuestionPart, ...]:
    entries = cast("list[object]", given) if isinstance(given, list) else []
    if not 1 <= len(entries) <= MAX_QUESTIONS:
        raise ToolFailure(f"{_FAILED}`questions` must hold one to {MAX_QUESTIONS} questions")
    parts = tuple(_part(entry, number) for number, entry in enumerate(entries, 1))
    if len({part.id for part in parts}) < len(parts):
        raise ToolFailure(f"{_FAILED}two questions have the same `id`")
    return parts


def _part(entry: object, number: int) -> QuestionPart:
    fields = cast("JsonObject", entry) if isinstance(entry, dict) else {}
    question = arguments.text(fields, "question")
    if not question or not question.strip():
        raise ToolFailure(f"{_FAILED}question {number} must have words in `question`")
    given: object = fields.get("options") or []
    options = cast("list[object]", given) if isinstance(given, list) else None
    if options is None or len(options) > MAX_OPTIONS:
        raise ToolFailure(f"{_FAILED}`options` of question {number} must be a list of at most {MAX_OPTIONS}")
    choices = tuple(_choice(option, number) for option in options)
    name = arguments.text(fields, "id") or f"question_{number}"
    header = arguments.text(fields, "header") or ""
    return QuestionPart(clip(name, 200), clip(header, 200), clip(question.strip(), TEXT_BYTES), choices)


def _choice(option: object, number: int) -> Choice:
    if isinstance(option, str):
        return Choice(clip(option, TEXT_BYTES))
    fields = cast("JsonObject", option) if isinstance(option, dict) else {}
    label = arguments.text(fields, "label")
    if not label:
        raise ToolFailure(f"{_FAILED}every option of question {number} must have a `label`")
    return Choice(clip(label, TEXT_BYTES), clip(arguments.text(fields, "description") or "", TEXT_BYTES))
