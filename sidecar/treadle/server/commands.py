"""The methods of a client's own commands: checked parameters -> op -> answer."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import os
from typing import cast

from ..core.command_ops import EndCommand, Execute, ResizeTerminal, WriteInput
from ..core.errors import RequestRefused
from ..core.items import JsonObject
from ..core.settings import SandboxPolicy
from ..runtime.answers import Executed
from . import inputs
from .handshake import BadParams
from .methods import Exchange, method
from .wire import command


@method("command/exec")
async def command_exec(ask: Exchange, params: command.CommandExecParams) -> JsonObject:
    done = cast(Executed, await ask.agent.submit(_asked(params), ask.client))
    return {"exitCode": done.exit_code, "stdout": done.stdout, "stderr": done.stderr}


@method("command/exec/write")
async def command_exec_write(ask: Exchange, params: command.CommandExecWriteParams) -> JsonObject:
    if params.delta_base64 is None and not params.close_stdin:
        raise BadParams("deltaBase64", "give deltaBase64, closeStdin, or both")
    try:
        data = base64.b64decode(params.delta_base64 or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadParams("deltaBase64", f"not base64: {error}") from error
    await ask.agent.submit(WriteInput(params.process_id, data, params.close_stdin), ask.client)
    return {}


@method("command/exec/resize")
async def command_exec_resize(ask: Exchange, params: command.CommandExecResizeParams) -> JsonObject:
    await ask.agent.submit(ResizeTerminal(params.process_id, params.size.rows, params.size.cols), ask.client)
    return {}


@method("command/exec/terminate")
async def command_exec_terminate(ask: Exchange, params: command.CommandExecTerminateParams) -> JsonObject:
    await ask.agent.submit(EndCommand(params.process_id), ask.client)
    return {}


def _asked(params: command.CommandExecParams) -> Execute:
    _check(params)
    op = Execute(
        tuple(params.command),
        params.process_id,
        params.cwd,
        tuple((params.env or {}).items()),
        _policy(params),
        tty=params.tty,
        feeds=params.stream_stdin,
        streams=params.stream_stdout_stderr,
    )
    if params.size is not None:
        op = dataclasses.replace(op, rows=params.size.rows, cols=params.size.cols)
    if params.disable_output_cap or params.output_bytes_cap is not None:
        op = dataclasses.replace(op, cap=params.output_bytes_cap)
    if params.disable_timeout or params.timeout_ms is not None:
        op = dataclasses.replace(op, timeout=None if params.timeout_ms is None else params.timeout_ms / 1000)
    return op


def _check(params: command.CommandExecParams) -> None:
    if not params.command or not params.command[0]:
        raise RequestRefused("the command must not be empty")
    for place, text in (*enumerate(params.command), *(params.env or {}).items(), *((n, n) for n in params.env or {})):
        if text is not None and "\0" in text:
            raise BadParams(f"{'command' if isinstance(place, int) else 'env'}.{place}", "holds a NUL character")
    if any(not name or "=" in name for name in params.env or {}):
        raise BadParams("env", "a variable's name must not be empty or hold =")
    if params.process_id is None and (params.tty or params.stream_stdin or params.stream_stdout_stderr):
        raise RequestRefused("a terminal or a stream needs a processId of the client's")
    if params.size is not None and not params.tty:
        raise BadParams("size", "only a command with tty has a size")
    if params.timeout_ms is not None and params.timeout_ms < 0:
        raise BadParams("timeoutMs", "must not be negative")
    if params.timeout_ms is not None and params.disable_timeout:
        raise BadParams("timeoutMs", "cannot be combined with disableTimeout")
    if params.output_bytes_cap is not None and params.disable_output_cap:
        raise BadParams("outputBytesCap", "cannot be combined with disableOutputCap")


def _policy(params: command.CommandExecParams) -> SandboxPolicy | None:
    if params.permission_profile is not None:
        if params.sandbox_policy is not None:
            raise RequestRefused("permissionProfile cannot be combined with sandboxPolicy")
        if params.permission_profile not in inputs.PROFILES:
            raise RequestRefused(f"no permission profile {params.permission_profile!r}: there are {', '.join(inputs.PROFILES)}")
        return inputs.PROFILES[params.permission_profile]
    if params.sandbox_policy is None:
        return None
    policy = inputs.sandbox_policy(params.sandbox_policy)
    for root in () if policy is None else policy.writable_roots:
        if not os.path.isabs(root):
            raise BadParams("sandboxPolicy.writableRoots", f"{root!r} is not an absolute path")
    return policy
