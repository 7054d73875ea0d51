import { InvalidArgumentError, Option, type Command } from 'commander';
import { FUSIONS, type Fusion } from '../../src/join/fusion.ts';
import { ENGINES } from '../../src/engines/index.ts';
import { ADAPTER_CHOICES, type AdapterChoice } from '../chrome/launch.ts';
import { RECIPE_NAMES } from '../../src/recipes.ts';
import { PATIENCE_S } from '../worker/patience.ts';

/** Whose bits are computed. */
export interface EngineFlags {
  readonly engine?: string;
  readonly threads?: number;
}

export interface ModelOptions extends EngineFlags {
  readonly size?: readonly [height: number, width: number];
  readonly model?: string;
  /** Tensors that it ends at. */
  readonly outputs?: readonly string[];
  readonly json?: boolean;
}

/** Whose arrays have other names than the model's tensors. */
export interface MapOptions {
  readonly map?: string;
}

export const addMapOption = (command: Command): Command =>
  command.option(
    '--map <file>',
    'JSON, {"array": "tensor"}: what arrays of --against and --theirs are, where names do not tell',
  );

/** Where WebGPU is: headless Chrome or Firefox, or without a browser Dawn in Node, wgpu in Deno. */
const WEBGPU_CHOICES = ['chrome', 'firefox', 'node', 'deno'] as const;
type WebGpuChoice = (typeof WEBGPU_CHOICES)[number];

/** What computes. */
export interface HostOptions {
  readonly adapter: AdapterChoice;
  readonly webgpu: WebGpuChoice;
  /** Seconds without progress after which it is given up. */
  readonly timeout: number;
}

/** The inputs of one inference, beside pictures. */
export interface InputFileOptions {
  readonly preprocess?: string;
}

export interface InferenceOptions extends ModelOptions, HostOptions, InputFileOptions {}

const names = ENGINES.map(({ name }) => name).join(', ');

export function addModelOptions(command: Command): Command {
  return command
    .option(
      '-m, --model <file>',
      "an 8-bit model: .onnx, .tflite, TorchScript, or .pth of one of torchvision's quantized networks (default: the built-in safe-for-work check)",
    )
    .option('--engine <name>', `whose bits are computed: ${names} (default: the engine the file is for)`)
    .option(
      '--threads <n>',
      "threads that PyTorch's engine is run with: its adds depend on them (default: 1)",
      integer(1),
    )
    .option(
      '--size <height>x<width>',
      'of pictures, where the model leaves it open (default: that of the arrays that are given)',
      size,
    )
    .option(
      '--outputs <names>',
      'end at these tensors, separated by commas, in place of the outputs of the model',
      (names: string) => names.split(','),
    )
    .option('--json', 'print one JSON object');
}

function size(text: string): readonly [number, number] {
  const [, height, width] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text) ?? [];
  if (width === undefined) throw new InvalidArgumentError('height and width are needed, as 224x224.');
  return [Number(height), Number(width)];
}

export function addHostOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--adapter <adapter>', 'the GPU, or software where there is none; or a software driver in any case')
        .choices(ADAPTER_CHOICES)
        .default('auto'),
    )
    .addOption(
      new Option(
        '--webgpu <where>',
        'headless Chrome or Firefox; or without a browser, Dawn (package webgpu) in Node, or Deno',
      )
        .choices(WEBGPU_CHOICES)
        .default('chrome'),
    )
    .addOption(timeoutOption());
}

function timeoutOption(): Option {
  return new Option('--timeout <s>', 'give a GPU up from which nothing comes back for so many seconds')
    .argParser(integer(1))
    .default(PATIENCE_S);
}

/** The options of every command that runs a model on a GPU. */
export function addInferenceOptions(command: Command): Command {
  return addInputOptions(addHostOptions(addModelOptions(command)));
}

export function addInputOptions(command: Command): Command {
  return command
    .option('--input <array>', 'FILE.npy or FILE.npz[:name]: exactly what the model takes')
    .option(
      '--preprocess <recipe>',
      `how pictures are prepared: ${RECIPE_NAMES.join(', ')} (default: known models only)`,
    );
}

/** How far the dispatches of an inference are joined. */
export interface FusionOptions {
  readonly fusion?: Fusion;
}

export function addFusionOption(command: Command): Command {
  return command.addOption(
    new Option(
      '--fusion <fusion>',
      "how far dispatches are joined (default: by the adapter's profile; none without an adapter)",
    ).choices(FUSIONS),
  );
}

/** An integer of at least `least`, for Commander. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > 2 ** 32 - 1)
      throw new InvalidArgumentError(`an integer from ${least} to ${2 ** 32 - 1} is needed.`);
    return value;
  };
}
