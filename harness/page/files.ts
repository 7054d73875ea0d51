import { knownRecipe } from '../images/known_models.ts';
import type { ModelChoice } from './state.ts';

export type FileKind = 'picture' | 'labels' | 'model';

/** What a file is taken for where nobody says: pictures and text by their type, all else is a model. */
export function fileKind({ type, name }: File): FileKind {
  if (type.startsWith('image/')) return 'picture';
  return type === 'text/plain' || /\.txt$/i.test(name) ? 'labels' : 'model';
}

/** One label a line; empty lines at the end do not count. */
export async function readLabels(file: Blob): Promise<string[]> {
  return (await file.text()).trimEnd().split(/\r?\n/);
}

/** A model from a file of the person's own, with its recipe where the very file is known. */
export async function modelOf(file: File): Promise<ModelChoice> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const recipe = knownRecipe(await sha256(bytes));
  return { name: file.name, ...(recipe && { recipe }), bytes: async () => bytes };
}

/** Hexadecimal. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
