/** From values to positions on a chart. */
export type Scale = (value: number) => number;

/** Logarithmic: from [low, high] to [from, to]. */
export function logScale(low: number, high: number, from: number, to: number): Scale {
  const [a, b] = [Math.log(low), Math.log(high)];
  return (value) => from + ((Math.log(value) - a) / (b - a)) * (to - from);
}

/** 1, 2 and 5 times the powers of ten in [low, high]. */
export function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const digit of [1, 2, 5]) {
      const tick = digit * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(Number(tick.toPrecision(1)));
    }
  // few enough to stand beside each other
  return ticks.length <= 10 ? ticks : ticks.filter((tick) => /^[10.]+$/.test(String(tick)));
}
