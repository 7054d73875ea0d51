/** A model, what it is fed and what its engine gave, for a page: data in base64. */
export interface Operator {
  readonly name: string;
  readonly model: string;
  readonly feeds: readonly {
    readonly key: string;
    readonly type: string;
    readonly dims: readonly number[];
    readonly data: string;
  }[];
  readonly expected: string;
}

/** In a page: how many of the operators are refused, and which give other values. */
export async function compareOperators({ engine, cases }: { engine: string; cases: readonly Operator[] }) {
  const { InferenceSession } = (await import(
    '/src/session/session.ts' as string
  )) as typeof import('../src/session/session.ts');
  const { Tensor } = (await import('/src/tensor.ts' as string)) as typeof import('../src/tensor.ts');
  const { keptDevice } = (await import('/e2e/kept_device.ts' as string)) as typeof import('./kept_device.ts');
  const device = await keptDevice();
  const bytes = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const VIEWS = { uint8: Uint8Array, int8: Int8Array, float32: Float32Array };
  const wrong: string[] = [];
  let refused = 0;
  for (const { name, model, feeds, expected } of cases) {
    try {
      const session = await InferenceSession.create(bytes(model), { engine, device });
      const inputs = feeds.map(({ key, type, dims, data }) => {
        const View = VIEWS[type as keyof typeof VIEWS];
        return [key, new Tensor(type as keyof typeof VIEWS, new View(bytes(data).buffer) as never, dims)] as const;
      });
      const [output] = Object.values(await session.run(Object.fromEntries(inputs)));
      const { buffer, byteOffset, byteLength } = output!.data;
      const got = new Uint8Array(buffer, byteOffset, byteLength);
      const wanted = bytes(expected);
      if (got.length !== wanted.length || got.some((byte, i) => byte !== wanted[i])) wrong.push(name);
      session.release();
    } catch (error) {
      if ((error as Error).name !== 'UnsupportedModelError') throw error;
      refused++;
    }
  }
  return { wrong, refused };
}
