import type { Choice } from '../problem.ts';

/** Which channel is read, and which channel's result an output holds. */
export interface ChannelChoice extends Choice {
  readonly input?: Int32Array;
  readonly output?: Int32Array;
}

const kind = 'channel-order';

const ORDERS: readonly { id: string; detail: string; of: (c: number, count: number) => number }[] = [
  { id: 'reversed', detail: 'reversed', of: (c, count) => count - 1 - c },
  { id: 'words-swapped', detail: 'reversed in words of four (byte order)', of: (c) => c ^ 3 },
  { id: 'pairs-swapped', detail: 'swapped in pairs', of: (c) => c ^ 1 },
  { id: 'rotated', detail: 'one too far', of: (c, count) => (c + 1) % count },
];

function permutations(count: number): { id: string; detail: string; order: Int32Array }[] {
  const identity = Int32Array.from({ length: count }, (_, c) => c);
  const found = [{ id: '', detail: '', order: identity }];
  for (const { id, detail, of } of ORDERS) {
    const order = identity.map((c) => of(c, count));
    if (order.some((c) => c >= count)) continue;
    if (found.every((other) => order.some((c, i) => c !== other.order[i]))) found.push({ id, detail, order });
  }
  return found.slice(1);
}

export function channelChoices(inputs: number, outputs: number): ChannelChoice[] {
  return [
    { id: 'in-order', kind, detail: 'channels in order' },
    ...permutations(inputs).map(({ id, detail, order }) => ({
      id: `input-${id}`,
      kind: kind as typeof kind,
      detail:
        inputs === 3 && id === 'reversed'
          ? 'input channels are reversed (BGR for RGB)'
          : `input channels are ${detail}`,
      input: order,
    })),
    ...permutations(outputs).map(({ id, detail, order }) => ({
      id: `output-${id}`,
      kind: kind as typeof kind,
      detail: `output channels are ${detail}`,
      output: order,
    })),
  ];
}
