// Long runs, by name: `npm run soak -- fuzz|matrix|blind|tests`, each with --help.
// Exit codes: 0 nothing was found, 1 something was.
import { Command, Option } from 'commander';
import { installRuntimes } from '../../harness/process/install.ts';
import { endBy, supervise } from '../../harness/process/supervise.js';
import { ENGINES } from '../../src/engines/index.ts';
import { addBlind } from './blind.ts';
import { fuzz, type FuzzOptions } from './fuzz.ts';
import { FORMATS } from './formats/index.ts';
import { matrix, type MatrixOptions } from './matrix.ts';

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is no number from 0`);
  return value;
};

/** The software adapters: what any machine can run. */
const COLUMNS = ['chrome+swiftshader', 'firefox+llvmpipe', 'node+swiftshader', 'deno+swiftshader', 'deno+llvmpipe'];

const program = new Command('soak').description('runs that take as long as they are given');

program
  .command('fuzz', { isDefault: true })
  .description('mutants of every kind of file: each is read and planned, or refused by an error of the project')
  .option('--count <n>', 'mutants, of all formats together', number, 300_000)
  .option('--minutes <n>', 'at most so long', number, Infinity)
  .option('--seed <n>', 'the first seed of each format', number, 0)
  .addOption(new Option('--format <name>', 'only one').choices(FORMATS.map(([{ name }]) => name)))
  .option('--out <folder>', 'where findings are written', 'test-results/soak')
  .action(async ({ out, format, ...options }: Omit<FuzzOptions, 'folder'> & { out: string }) => {
    const { mutants, results, findings, seconds, slowestMs, largestMegabytes } = await fuzz(
      { ...options, folder: out, ...(format && { format }) },
      (found) => console.log(`${found.format}, seed ${found.seed}: ${found.what}\n  ${found.file}`),
    );
    const lines = Object.entries(results).map(([result, count]) => `${result} ${count}`);
    console.log(
      `${mutants} mutants in ${Math.round(seconds)} s (${Math.round(mutants / seconds)} a second): ${lines.join(', ')}`,
    );
    console.log(`slowest ${slowestMs} ms, largest process ${largestMegabytes} MiB, ${findings.length} findings`);
    process.exitCode = findings.length > 0 ? 1 : 0;
  });

program
  .command('matrix')
  .description('models and generated cases on every WebGPU: each tensor compared with the host reference')
  .argument('[model...]', 'model files; default is the built-in one', ['default'])
  .option('--only <columns...>', 'implementations and adapters', COLUMNS)
  .option(
    '--engines <names...>',
    'whose cases are generated',
    ENGINES.map(({ name }) => name),
  )
  .option('--cases <n>', 'generated cases of each engine', number, 100)
  .option(
    '--install',
    'first install the packages deno, webgpu and puppeteer-core where they are missing, for this project only',
  )
  .option('--markdown <file>', 'also write the table into a file, between its matrix comments')
  .action(async (models: string[], { install, ...options }: Omit<MatrixOptions, 'models'> & { install?: boolean }) => {
    if (install) await installRuntimes();
    process.exitCode = await matrix({ models, ...options });
  });

addBlind(program);

program
  .command('tests')
  .description('the tests of `npm test` in their long form: all models and photographs, many times the cases')
  .option('--units <file...>', 'only these units of Node; none where only specs are named')
  .option('--specs <file...>', 'only these specs of the browser; none where only units are named')
  .action(async ({ units, specs }: { units?: string[]; specs?: string[] }) => {
    const both = !units && !specs;
    for (const [command, files] of [
      [['vitest', 'run'], both ? [] : units],
      [['playwright', 'test'], both ? [] : specs],
    ] as const) {
      if (!files) continue;
      const { code, asked } = await supervise('npx', [...command, ...files], { env: { EXACT8_LONG: '1' } });
      if (asked) return endBy(asked);
      if (code !== 0) process.exitCode = 1;
    }
  });

await program.parseAsync();
