/**
 * "Search Threads": a list that finds while the user types. Without words it shows the threads of this folder, newest first; with words it
 * looks into names and all that was said, and shows the line where they stand. Threads of this folder come first.
 */
import * as vscode from "vscode";
import { openThread } from "./leaving";
import type { Parts } from "./parts";
import { folderName } from "./thread_look";
import { ago, title } from "./titles";
import type { Thread } from "./wire";

type Row = vscode.QuickPickItem & { id?: string };

const pause = 120;
const most = 50;

export function searchThreads(parts: Parts, folders: readonly string[]): void {
  const picker = vscode.window.createQuickPick<Row>();
  let asked = 0;
  let timer: NodeJS.Timeout | undefined;
  const find = async (words: string) => {
    asked += 1;
    const mine = asked;
    picker.busy = true;
    const rows = await rowsFor(parts, words.trim(), folders).catch((error) => {
      parts.log.warn(`thread/search: ${error}`);
      return [{ label: "The threads cannot be read just now", alwaysShow: true }];
    });
    if (mine !== asked) return;
    picker.busy = false;
    picker.items = rows.length
      ? rows
      : [{ label: words.trim() ? "No thread has these words" : "There are no threads here yet", alwaysShow: true }];
  };
  picker.title = "Threads";
  picker.placeholder = "Search names and everything that was said";
  picker.onDidChangeValue((words) => {
    clearTimeout(timer);
    timer = setTimeout(() => void find(words), pause);
  });
  picker.onDidHide(() => {
    asked += 1;
    clearTimeout(timer);
    picker.dispose();
  });
  picker.onDidAccept(() => {
    const id = picker.selectedItems[0]?.id;
    if (!id) return;
    picker.hide();
    void openThread(parts, id);
  });
  picker.show();
  void find("");
}

async function rowsFor({ sidecar, chat }: Parts, words: string, folders: readonly string[]): Promise<Row[]> {
  if (!words) {
    const params = { limit: most, sortKey: "updated_at", ...(folders.length ? { cwd: [...folders] } : {}) } as const;
    const { data } = await sidecar.request("thread/list", params);
    return data.map((thread) => row(thread, chat.view.id, !folders.length));
  }
  const { data } = await sidecar.request("thread/search", { searchTerm: words, limit: most, sortKey: "updated_at" });
  const here = data.filter(({ thread }) => folders.includes(thread.cwd));
  const there = data.filter(({ thread }) => !folders.includes(thread.cwd));
  const separator = here.length && there.length ? [{ label: "Other folders", kind: vscode.QuickPickItemKind.Separator }] : [];
  return [
    ...here.map(({ thread, snippet }) => row(thread, chat.view.id, false, snippet)),
    ...separator,
    ...there.map(({ thread, snippet }) => row(thread, chat.view.id, true, snippet)),
  ];
}

function row(thread: Thread, shown: string | null, elsewhere: boolean, snippet = ""): Row {
  const name = title(thread);
  const line = snippet.trim();
  return {
    id: thread.id,
    label: name,
    description: [...(elsewhere ? [folderName(thread.cwd)] : []), ago(thread.updatedAt, Date.now())].join(" · "),
    // The name alone says where the words are.
    detail: line && line !== name ? line : undefined,
    iconPath: new vscode.ThemeIcon(thread.id === shown ? "check" : "comment-discussion"),
    // What the sidecar has found is not searched again letter by letter.
    alwaysShow: true,
  };
}
