import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Is the program there? */
export const hasTool = (program: string, flag: string): boolean =>
  spawnSync(program, [flag], { stdio: 'ignore' }).status === 0;

/** The Verilog simulator and the C compiler of the accelerator's example. */
export const hasIcarus = (): boolean => hasTool('iverilog', '-V');
export const hasCompiler = (): boolean => hasTool('cc', '--version');

/** Where this is root on a Debian, what is missing of them is installed; elsewhere their tests are skipped by name. */
export function installTools(): void {
  const missing = [...(hasIcarus() ? [] : ['iverilog']), ...(hasCompiler() ? [] : ['gcc', 'libc6-dev'])];
  if (missing.length === 0 || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]])
    spawnSync('apt-get', ['-q', ...args], { stdio: ['ignore', 2, 2], env });
}
