import { spawn } from 'node:child_process';

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command, dist/ or another copy of it. */
export function exact8(args: readonly string[], env: Record<string, string> = {}, dist = 'dist'): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${dist}/cli/main.js`, ...args], { env: { ...process.env, ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
