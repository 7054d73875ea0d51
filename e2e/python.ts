import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8' });

/** Packages of Python's that tests compare with, and none of which this project needs. */
export interface PythonPackages {
  /** Where CI puts them. */
  readonly environment: string;
  /** What a Python that has them can import. */
  readonly imports: string;
  /** The arguments of one `pip install` each. */
  readonly install: readonly (readonly string[])[];
}

/** A Python that has the packages: the caller's `python3`, or one of CI's own, into which they are installed. */
export function findPython({ environment, imports, install }: PythonPackages): string | undefined {
  const has = (python: string): boolean => run(python, '-c', `import ${imports}`).status === 0;
  if (has('python3')) return 'python3';
  if (!process.env['CI']) return undefined;
  const python = join(environment, 'bin/python');
  if (existsSync(python) && has(python)) return python;
  if (run('python3', '-m', 'venv', environment).status !== 0) return undefined;
  const installed = install.every((packages) => run(python, '-m', 'pip', 'install', '-q', ...packages).status === 0);
  return installed ? python : undefined;
}
