import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Packages of Python's that tests compare with, and none of which this project needs. */
interface PythonPackages {
  /** The environment variable that names a Python that has them. */
  readonly variable: string;
  /** Where CI puts them. */
  readonly environment: string;
  /** What a Python that has them can import. */
  readonly imports: string;
  /** The arguments of one `pip install` each. */
  readonly install: readonly (readonly string[])[];
}

export const ONNXRUNTIME: PythonPackages = {
  variable: 'EXACT8_PYTHON_WITH_ONNXRUNTIME',
  environment: 'node_modules/.cache/onnxruntime',
  imports: 'onnxruntime, numpy',
  install: [['onnxruntime==1.32.0', 'numpy']],
};

export const LITERT: PythonPackages = {
  variable: 'EXACT8_PYTHON_WITH_LITERT',
  environment: 'node_modules/.cache/litert',
  imports: 'ai_edge_litert.interpreter, numpy',
  install: [['ai-edge-litert==2.3.0', 'numpy']],
};

/** With what quantizes models. */
export const QUANTIZER: PythonPackages = {
  variable: 'EXACT8_PYTHON_WITH_ONNX',
  environment: 'node_modules/.cache/onnxruntime-onnx',
  imports: 'onnxruntime, onnx, numpy',
  install: [['onnxruntime==1.32.0', 'onnx', 'numpy']],
};

/** torchvision without its dependencies, which would be another PyTorch. */
export const PYTORCH: PythonPackages = {
  variable: 'EXACT8_PYTHON_WITH_PYTORCH',
  environment: 'node_modules/.cache/pytorch',
  imports: 'torch, numpy',
  install: [
    ['torch==2.13.0', 'numpy', 'pillow'],
    ['--no-deps', 'torchvision==0.28.0'],
  ],
};

const succeeds = (command: string, ...args: string[]): Promise<boolean> =>
  new Promise((resolve) => execFile(command, args, (error) => resolve(error === null)));

/** A Python that has the packages: the caller's `python3`, or one of CI's own, into which they are installed. */
async function findPython({ environment, imports, install }: PythonPackages): Promise<string | undefined> {
  const has = (python: string): Promise<boolean> => succeeds(python, '-c', `import ${imports}`);
  if (await has('python3')) return 'python3';
  if (!process.env['CI']) return undefined;
  const python = join(environment, 'bin/python');
  if (existsSync(python) && (await has(python))) return python;
  if (!(await succeeds('python3', '-m', 'venv', environment))) return undefined;
  for (const packages of install)
    if (!(await succeeds(python, '-m', 'pip', 'install', '-q', ...packages))) return undefined;
  return python;
}

/** Before any test, so that no two of them install the same, and none looks for it again. */
export async function preparePython(): Promise<void> {
  await Promise.all(
    [ONNXRUNTIME, QUANTIZER, PYTORCH, LITERT].map(async (packages) => {
      process.env[packages.variable] = (await findPython(packages)) ?? '';
    }),
  );
}

/** A Python that has the packages; undefined where there is none. */
export const pythonWith = ({ variable }: PythonPackages): string | undefined => process.env[variable] || undefined;
