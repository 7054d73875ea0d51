import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { download, type KnownFile } from '../download/download.ts';
import { IMAGENET } from '../download/known_files.ts';
import { formatCount } from '../report/format.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { printResult, progress } from './output.ts';

/** Another server that has the files, by their names alone: for tests, and where the net is closed. */
const BASE = 'EXACT8_FETCH_BASE';

interface FetchOptions {
  readonly out: string;
  readonly json?: boolean;
}

export function addFetch(program: Command, done: (code: ExitCode) => void): void {
  program
    .command('fetch')
    .description(
      "download a model that is not part of exact8: imagenet, the ONNX model zoo's MobileNetV2, and its labels",
    )
    .addArgument(new Argument('<model>', 'which').choices(['imagenet']))
    .option('--out <folder>', 'where to', '.')
    .option('--json', 'print one JSON object')
    .action(async (_model: string, options: FetchOptions) => done(await runFetch(options)));
}

async function runFetch({ out, json }: FetchOptions): Promise<ExitCode> {
  const files = [];
  for (const file of IMAGENET) {
    const path = join(out, file.name);
    const { url, resumedFrom } = await download(fromBase(file), path, {
      progress: (bytes) => progress(`${file.name}: ${formatCount(bytes)} of ${formatCount(file.bytes)} bytes`),
    });
    files.push({ path, bytes: file.bytes, sha256: file.sha256, url, resumedFrom });
  }
  const [model, labels] = files.map(({ path }) => path);
  printResult(
    json,
    { model: 'imagenet', files },
    [
      ...files.map(
        ({ path, bytes, url }) => `${path}: ${formatCount(bytes)} bytes, ${url ? `from ${url}` : 'was there already'}`,
      ),
      `try: npx exact8 classify PHOTO --model ${model} --labels ${labels}`,
    ].join('\n'),
  );
  return EXIT.done;
}

function fromBase(file: KnownFile): KnownFile {
  const base = process.env[BASE];
  return base ? { ...file, urls: [`${base.replace(/\/$/, '')}/${file.name}`] } : file;
}
