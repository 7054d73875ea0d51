import { onDemand } from '../../on_demand.ts';
import { TEXTS as USUAL } from './usual.ts';

type Texts = Readonly<Record<string, string>>;

interface Group {
  readonly what: string;
  /** Of shaders that are not among the usual ones: is one of this group, and not of one before it? */
  readonly has: RegExp;
  readonly load: () => Promise<{ readonly TEXTS: Texts }>;
}

/** Shaders that not every model needs: a group each, which is imported whole once a pipeline asks for one of it. */
const ON_DEMAND: readonly Group[] = [
  { what: 'shaders for processors', has: /^(software\/|lanes|depthwise_rows)/, load: () => import('./software.ts') },
  { what: 'shaders for pictures', has: /^(picture_|find_)/, load: () => import('./pictures.ts') },
  { what: 'shaders of operators that few models have', has: /^/, load: () => import('./seldom.ts') },
];

/** The text of each shader that is there, by its name. */
const LOADED = new Map<string, string>();

function add(texts: Texts): void {
  for (const [path, text] of Object.entries(texts)) LOADED.set(/shaders\/(.*)\.wgsl/.exec(path)![1]!, text);
}

add(USUAL);

export const textOf = (name: string): string | undefined => LOADED.get(name);

async function load({ what, load: read }: Group): Promise<void> {
  add((await onDemand(what, read)).TEXTS);
}

/**
 * Imports what these shaders need besides the usual ones, all groups at the same time.
 *
 * @returns undefined where all are there
 * @throws Exact8Error
 */
export function loadTexts(names: readonly string[]): Promise<unknown> | undefined {
  const missing = names.filter((name) => !LOADED.has(name) && !LOADED.has(`software/${name}`));
  const groups = new Set(missing.map((name) => ON_DEMAND.find(({ has }) => has.test(name))!));
  return groups.size > 0 ? Promise.all([...groups].map(load)) : undefined;
}

/** All that there are. */
export const loadAllTexts = (): Promise<unknown> => Promise.all(ON_DEMAND.map(load));
