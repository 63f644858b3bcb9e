/**
 * Which of the sidecar's code lenses are drawn. Every thread that it has in memory may have changes in a document; decorations, keys and the
 * panel are about the one that is shown, and so are the lenses. Pure.
 */

interface Lens {
  command?: { arguments?: unknown[] };
}

/** Without a thread, before any was shown, all of them; one that names no thread is nobody's to hide. */
export function lensesOf<L extends Lens>(threadId: string | null, lenses: readonly L[]): L[] {
  return lenses.filter((lens) => {
    const named = (lens.command?.arguments?.[0] as { threadId?: unknown } | undefined)?.threadId;
    return threadId === null || typeof named !== "string" || named === threadId;
  });
}
