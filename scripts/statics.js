// What is checked without running anything: types, lint, format.
import { supervise } from '../harness/process/supervise.js';

const CACHE = 'node_modules/.cache/exact8';

/** @returns {Record<string, string[]>} the arguments of npx, by stage; `cached`: only what changed since is looked at again */
export function statics({ cached }) {
  const kept = (name, ...args) => (cached ? [...args, `${CACHE}/${name}`] : []);
  const types = (project, name) => [
    ...['tsc', '-p', project, '--noEmit'],
    ...kept(`${name}.tsbuildinfo`, '--incremental', '--tsBuildInfoFile'),
  ];
  return {
    types: types('tsconfig.json', 'types'),
    'types of the library': types('src/tsconfig.json', 'library'),
    lint: ['eslint', '.', ...kept('eslint', '--cache', '--cache-strategy', 'content', '--cache-location')],
    format: [
      ...['prettier', '--check', '--log-level', 'warn', '.'],
      ...kept('prettier', '--cache', '--cache-strategy', 'content', '--cache-location'),
    ],
  };
}

/**
 * Runs commands beside one another, and names those that fail.
 *
 * @param {Record<string, readonly [command: string, args: readonly string[]]>} stages
 * @returns {Promise<{ failed: string[], asked: NodeJS.Signals | undefined }>} `asked`: the signal that ended them
 */
export async function together(stages) {
  console.log(`\n== ${Object.keys(stages).join(', ')}`);
  const ends = await Promise.all(
    Object.entries(stages).map(async ([name, [command, args]]) => ({ name, ...(await supervise(command, args)) })),
  );
  const failed = ends.filter(({ code }) => code !== 0).map(({ name }) => name);
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
  return { failed, asked: ends.find(({ asked }) => asked)?.asked };
}
