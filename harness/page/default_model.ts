import { DEFAULT_LABELS, DEFAULT_MODEL_DESCRIPTION } from '../../models/index.ts';
import type { ModelChoice } from './state.ts';

/** The built-in model; its weights are loaded when it is used. */
export const DEFAULT_MODEL: ModelChoice = {
  name: 'Default model',
  description: DEFAULT_MODEL_DESCRIPTION,
  labels: DEFAULT_LABELS,
  recipe: 'nsfwjs',
  bytes: async () => (await import('./default_model_bytes.ts')).defaultModelBytes(),
};
