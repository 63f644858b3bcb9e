/** The window's features: each a file of its own. To add one: a class that implements `Feature`, and a line here. */
import { AddToChat } from "./add_to_chat";
import { ApplyCode } from "./apply_code";
import { Away } from "./away";
import { Checkpoints } from "./checkpoints";
import { CommitMessage } from "./commit_message";
import { Composing } from "./composing";
import { Context } from "./context";
import { Continuing } from "./continuing";
import { Diagnostics } from "./diagnostics";
import { Earlier } from "./earlier";
import { EditorActions } from "./editor_actions";
import { HandedBack } from "./handed_back";
import { Navigation } from "./navigation";
import type { Feature, Parts } from "./parts";
import { Pickers } from "./pickers";
import { Proposals } from "./proposals";
import { Queue } from "./queue";
import { Renewal } from "./renewal";
import { Review } from "./review";
import { ReviewChanges } from "./review_changes";
import { Servers } from "./servers";
import { SignIn } from "./sign_in";
import { Slash } from "./slash";
import { ThreadsView } from "./threads_view";
import { TodoLens } from "./todo_lens";
import { WholeText } from "./whole_text";
import { WorkspaceFolders } from "./workspace_folders";

export function features(parts: Parts): Feature[] {
  return [
    new ApplyCode(parts),
    new Away(parts),
    new Continuing(parts),
    new Earlier(parts),
    new Navigation(parts),
    new WholeText(parts),
    new Review(parts),
    new Proposals(parts),
    new Checkpoints(parts),
    new ThreadsView(parts),
    new WorkspaceFolders(parts),
    new SignIn(parts),
    new Diagnostics(parts),
    new Renewal(parts),
    new Composing(parts),
    new Pickers(parts),
    new Queue(parts),
    new Context(parts),
    new Servers(parts),
    new Slash(parts),
    new EditorActions(parts),
    new AddToChat(parts),
    new TodoLens(parts),
    new CommitMessage(parts),
    new ReviewChanges(parts),
    new HandedBack(parts),
  ];
}

/** The first feature that answers under this name. */
export function found<T>(all: readonly Feature[], pick: (feature: Feature) => T | undefined): T | undefined {
  for (const feature of all) {
    const one = pick(feature);
    if (one !== undefined) return one;
  }
  return undefined;
}
