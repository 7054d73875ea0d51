import { waysOf, type Choice } from '../problem.ts';

/** Which channel is read, and which channel's result an output holds. */
export interface ChannelChoice extends Choice {
  readonly input?: Int32Array;
  readonly output?: Int32Array;
}

const way = waysOf('channel-order');

const ORDERS: readonly (readonly [id: string, detail: string, of: (c: number, count: number) => number])[] = [
  ['reversed', 'reversed', (c, count) => count - 1 - c],
  ['words-swapped', 'reversed in words of four (byte order)', (c) => c ^ 3],
  ['pairs-swapped', 'swapped in pairs', (c) => c ^ 1],
  ['rotated', 'one too far', (c, count) => (c + 1) % count],
];

/** The orders of one side's channels that differ. */
function permutations(side: 'input' | 'output', count: number): ChannelChoice[] {
  const identity = Int32Array.from({ length: count }, (_, c) => c);
  const found = [identity];
  return ORDERS.flatMap(([id, detail, of]) => {
    const order = identity.map((c) => of(c, count));
    if (order.some((c) => c >= count) || found.some((other) => order.every((c, i) => c === other[i]))) return [];
    found.push(order);
    const isBgr = side === 'input' && count === 3 && id === 'reversed';
    return [way(`${side}-${id}`, `${side} channels are ${detail}${isBgr ? ' (BGR for RGB)' : ''}`, { [side]: order })];
  });
}

export function channelChoices(inputs: number, outputs: number): ChannelChoice[] {
  return [
    way('in-order', 'channels in order', {}),
    ...permutations('input', inputs),
    ...permutations('output', outputs),
  ];
}
