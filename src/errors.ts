/** Every error that exact8 throws on purpose. The message names the cause, what was got and what is supported. */
export class Exact8Error extends Error {
  override name = 'Exact8Error';
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

/** No adapter, a lost device, a shader that does not compile, memory that is not there. */
export class DeviceError extends Exact8Error {
  override name = 'DeviceError';
}
