import { Exact8Error } from './errors.ts';

/**
 * What models seldom need is imported once one asks for it: bundlers make files of their own of it.
 *
 * @param what it is, for the error
 * @throws Exact8Error where the file is not to be had: offline, not served, or refused by a policy
 */
export async function onDemand<T>(what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new Exact8Error(`${what}: a file of the library is not to be had: ${String(cause)}`, { cause });
  }
}
