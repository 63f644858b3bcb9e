/** Banners: what the sidecar and this window have to say, once, until the user closes them. Pure. */
import type { Notice, Reducers, ThreadView } from "../view";

export const notices: Reducers = {
  "panel/notice": (view, params) => noticed(view, params as unknown as Notice),
  "panel/notice/dismissed": (view, params) => dismissed(view, String(params.key)),
  // The same words come as a warning for clients that have no banner for tools.
  warning: (view, params) => (view.pendingTools?.message === params.message ? view : noticed(view, warning(params))),
  "mcpServer/startupStatus/updated": (view, params) =>
    params.status === "failed" ? view : connecting(view, String(params.name)),
  deprecationNotice: (view, params) => noticed(view, warning(params)),
  configWarning: (view, params) => noticed(view, configWarning(params)),
};

function noticed(view: ThreadView, notice: Notice): ThreadView {
  const seen = view.dismissed.includes(notice.key) || view.notices.some((shown) => shown.key === notice.key);
  return seen || !notice.message ? view : { ...view, notices: [...view.notices, notice] };
}

/** A server that is tried again, or is there, is no longer one that is not connected. */
function connecting(view: ThreadView, name: string): ThreadView {
  const notices = view.notices.filter(({ message }) => !message.startsWith(`The MCP server ${name} is not connected: `));
  return notices.length === view.notices.length ? view : { ...view, notices };
}

function dismissed(view: ThreadView, key: string): ThreadView {
  return {
    ...view,
    notices: view.notices.filter((notice) => notice.key !== key),
    dismissed: [...view.dismissed, key].slice(-200),
  };
}

function warning(params: Record<string, unknown>): Notice {
  const message = String(params.message ?? params.summary ?? "");
  // What to expect of the embedded model is worth knowing once; nothing is wrong.
  if (message.startsWith("The small offline model")) return { key: "offline-model", level: "info", message };
  return { key: `warning:${message}`, level: "warning", message, details: (params.details as string | null) ?? undefined };
}

function configWarning(params: Record<string, unknown>): Notice {
  const message = String(params.summary ?? "");
  const path = typeof params.path === "string" ? params.path : undefined;
  return { key: `config:${message}`, level: "warning", message, details: (params.details as string | null) ?? undefined, path };
}
