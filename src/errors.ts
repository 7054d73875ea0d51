const MOST_NAME = 120;
const MOST_MESSAGE = 1600;

/** A text with its middle left out, where it is longer than `most`: both ends tell the most. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor(most / 3);
  return `${text.slice(0, most - end)}...${text.slice(-end)}`;
}

/** Names and lists come from files and may have any length; a message has not. */
function shortened(message: string): string {
  const whole = cut(message, 64 * MOST_MESSAGE);
  return cut(
    whole.replace(/(?<!\w)'[^']*'/g, (name) => cut(name, MOST_NAME)),
    MOST_MESSAGE,
  );
}

/** Every error that exact8 throws on purpose. The message names the cause, what was got and what is supported. */
export class Exact8Error extends Error {
  override name = 'Exact8Error';

  constructor(message = '', options?: ErrorOptions) {
    super(shortened(message), options);
  }
}

/** The bytes are not a model: truncated, damaged, of another format, or contradicting themselves. */
export class InvalidModelError extends Exact8Error {
  override name = 'InvalidModelError';
}

/** The model is well formed but asks for something that is not supported. Thrown before any work starts. */
export class UnsupportedModelError extends Exact8Error {
  override name = 'UnsupportedModelError';
}

/**
 * What the caller hands over is not what is needed: a tensor of the wrong name, type or shape, or with a value that has
 * no defined result; an argument or an option of another kind.
 */
export class InvalidInputError extends Exact8Error {
  override name = 'InvalidInputError';
}

/** A lost or released device, a shader that does not compile, memory that is not there; or {@link NoWebGpuError}. */
export class DeviceError extends Exact8Error {
  override name = 'DeviceError';
}

/** No WebGPU, no adapter or no device here: what an app falls back by, to `openInWasm` or to words. */
export class NoWebGpuError extends DeviceError {
  override name = 'NoWebGpuError';
}
