import type { Command } from 'commander';
import { openNpz } from '../numpy/npz.ts';
import { withModel } from './browser.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { inputHash } from './feeds.ts';
import { writeOutput } from './files.ts';
import { inputSources, type InputOptions } from './inputs.ts';
import { loadModel } from './model.ts';
import { addInferenceOptions, type InferenceOptions } from './options.ts';
import { printResult, progress } from './output.ts';

interface TraceOptions extends InferenceOptions, Pick<InputOptions, 'image' | 'input'> {
  readonly out: string;
  readonly accumulators?: boolean;
}

export function addTrace(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('trace')
    .description('write every tensor of one inference to an .npz file (NCHW)')
    .option('--image <file>', 'a picture');
  addInferenceOptions(command)
    .requiredOption('--out <file>', 'the .npz file to write')
    .option('--accumulators', 'the int32 accumulators too')
    .action(async (options: TraceOptions) => done(await runTrace(options)));
}

async function runTrace(options: TraceOptions): Promise<ExitCode> {
  const model = await loadModel(options);
  const [source] = await inputSources(model, options);
  const { adapter, bytes, hash } = await withModel(model, options, async (browser) => {
    const feeds = await source!.feeds(browser);
    progress(`tracing ${source!.name}`);
    const bytes = await browser.trace(feeds, options.accumulators ?? false);
    return { adapter: browser.adapter, bytes, hash: inputHash(feeds) };
  });
  await writeOutput(options.out, bytes);
  const { names } = openNpz(bytes);
  printResult(
    options.json,
    {
      model: model.name,
      modelHash: model.hash,
      inputHash: hash,
      engine: model.plan.engine.name,
      adapter,
      out: options.out,
      arrays: names,
    },
    `${options.out}: ${names.length} arrays`,
  );
  return EXIT.done;
}
