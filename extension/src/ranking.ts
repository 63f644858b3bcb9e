/**
 * Files and folders by a few letters of their path, best first. Fifty thousand paths take a few milliseconds a key: what cannot match
 * is left out by its letters, a query that goes on searches only what matched before, and only the likeliest are weighed by fzf. Pure.
 */
import { Fzf } from "fzf";

export interface Place {
  /** Relative, with slashes. */
  path: string;
  folder: boolean;
}

export interface Ranked extends Place {
  marks: number[];
}

interface Entry extends Place {
  lower: string;
  name: number;
  letters: number;
}

const mostWeighed = 250;
const longest = 256;

export class Ranking {
  private readonly entries: Entry[];
  private before: { query: string; entries: Entry[] } | undefined;

  constructor(files: readonly string[]) {
    const folders = foldersOf(files);
    this.entries = [...files.map((path) => entry(path, false)), ...folders.map((path) => entry(path, true))];
  }

  get size(): number {
    return this.entries.length;
  }

  /** Those that `first` names come first among equals: the files that are open. */
  best(query: string, limit: number, first: ReadonlySet<string> = new Set()): Ranked[] {
    const wanted = query.toLowerCase();
    if (!wanted) return this.shallow(limit, first);
    const matching = this.matching(wanted);
    const likely = matching.length > mostWeighed ? likeliest(matching, wanted) : matching;
    const weighed = new Fzf(likely, { selector: (one) => one.path, casing: "case-insensitive", forward: false }).find(wanted);
    const score = (one: (typeof weighed)[number]) => one.score + bonus(one.item, wanted) + (first.has(one.item.path) ? 12 : 0);
    return weighed
      .map((found) => ({ found, score: score(found) }))
      .sort((one, other) => other.score - one.score || one.found.item.path.length - other.found.item.path.length)
      .slice(0, limit)
      .map(({ found }) => ({ path: found.item.path, folder: found.item.folder, marks: [...found.positions] }));
  }

  private shallow(limit: number, first: ReadonlySet<string>): Ranked[] {
    const open = this.entries.filter((one) => first.has(one.path));
    const rest = this.entries.filter((one) => one.name === 0 && !first.has(one.path)).slice(0, limit);
    return [...open, ...rest].slice(0, limit).map(({ path, folder }) => ({ path, folder, marks: [] }));
  }

  private matching(wanted: string): Entry[] {
    const known = this.before && wanted.startsWith(this.before.query) ? this.before.entries : this.entries;
    const letters = lettersOf(wanted);
    const entries = known.filter((one) => (one.letters & letters) === letters && isWithin(wanted, one.lower));
    this.before = { query: wanted, entries };
    return entries;
  }
}

function entry(path: string, folder: boolean): Entry {
  const lower = path.toLowerCase();
  return { path, folder, lower, name: path.lastIndexOf("/") + 1, letters: lettersOf(lower) };
}

function foldersOf(files: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of files) {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const folder = path.slice(0, at);
      if (found.has(folder)) break;
      found.add(folder);
    }
  }
  return [...found];
}

/** A bit for each letter that occurs. */
function lettersOf(lower: string): number {
  let bits = 0;
  for (let at = 0; at < lower.length; at += 1) bits |= 1 << (lower.charCodeAt(at) & 31);
  return bits;
}

/** All letters occur, in this order. */
function isWithin(wanted: string, lower: string): boolean {
  let from = 0;
  for (const letter of wanted) {
    const at = lower.indexOf(letter, from);
    if (at < 0) return false;
    from = at + 1;
  }
  return true;
}

function bonus({ lower, name, folder }: Entry, wanted: string): number {
  const base = lower.slice(name);
  const named = base === wanted ? 64 : base.startsWith(wanted) ? 40 : base.includes(wanted) ? 20 : 0;
  return named - (folder ? 4 : 0);
}

/** A cheap guess when very much matches: the name first, then the path, short before long. No list is sorted: piles are counted off. */
function likeliest(entries: readonly Entry[], wanted: string): Entry[] {
  const piles: Entry[][] = [];
  for (const one of entries) {
    const at = one.lower.indexOf(wanted);
    const rank = at < 0 ? 3 : one.lower.startsWith(wanted, one.name) ? 0 : one.lower.indexOf(wanted, one.name) > 0 ? 1 : 2;
    const pile = rank * longest + Math.min(one.path.length, longest - 1);
    const there = piles[pile];
    if (!there) piles[pile] = [one];
    else if (there.length < mostWeighed) there.push(one);
  }
  const found: Entry[] = [];
  for (const pile of piles) {
    if (found.length >= mostWeighed) break;
    if (pile) found.push(...pile.slice(0, mostWeighed - found.length));
  }
  return found;
}
