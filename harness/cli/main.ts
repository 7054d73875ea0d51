/**
 * What `exact8` starts. The command runs in a process of its own, so that however it ends - memory that is not enough, a
 * crash, a signal - the exit code says so, and nothing is left of it.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { endBy, supervise } from '../process/supervise.js';
import { EXIT } from './exit_codes.ts';
import { printError } from './output.ts';

const COMMAND = fileURLToPath(new URL('./command.js', import.meta.url));
/** Of a checkout; an installed package has no sources. */
const FRESH = fileURLToPath(new URL('../../scripts/fresh.js', import.meta.url));

const args = process.argv.slice(2);

async function main(): Promise<void> {
  if (existsSync(FRESH)) {
    const { ensureBuilt } = (await import(
      /* @vite-ignore */ pathToFileURL(FRESH).href
    )) as typeof import('../../scripts/fresh.js');
    if (!(await ensureBuilt()))
      return fail('the sources are newer than what was built of them (dist/), and building them fails');
  }
  const { code, signal, asked } = await supervise(process.execPath, [...process.execArgv, COMMAND, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  if (asked) return endBy(asked);
  if (Object.values<number | null>(EXIT).includes(code)) process.exitCode = code!;
  else if (signal === 'SIGABRT')
    fail('it aborted, as where memory runs out; NODE_OPTIONS=--max-old-space-size=MEGABYTES gives more');
  else fail(`it crashed (${signal ?? `exit code ${code}`})`);
}

function fail(message: string): void {
  printError(args.includes('--json'), { name: 'InternalError', message, exitCode: EXIT.internalError });
  process.exitCode = EXIT.internalError;
}

await main();
