// Long runs, by name: `npm run soak -- fuzz [--count N] [--minutes N] [--seed N] [--format NAME] [--out FOLDER]`.
// Exit codes: 0 nothing was found, 1 something was.
import { Command } from 'commander';
import { fuzz, type FuzzOptions } from './fuzz.ts';
import { FORMATS } from './formats/index.ts';

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${text} is no number from 0`);
  return value;
};

const program = new Command('soak').description('runs that take as long as they are given');

program
  .command('fuzz', { isDefault: true })
  .description('mutants of every kind of file: each is read and planned, or refused by an error of the project')
  .option('--count <n>', 'mutants, of all formats together', number, 300_000)
  .option('--minutes <n>', 'at most so long', number, Infinity)
  .option('--seed <n>', 'the first seed of each format', number, 0)
  .option('--format <name>', `only one of ${FORMATS.map(([{ name }]) => name).join(', ')}`)
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

await program.parseAsync();
