import { ofChannel, type ElementData } from '../../../src/graph/graph.ts';
import type { ByteLinear } from '../../../src/layers/layer.ts';
import type { Sums } from '../problem.ts';
import type { AccumulationChoice, ProductOrder } from '../ways/accumulation.ts';
import type { AlignmentChoice } from '../ways/alignment.ts';
import type { ChannelChoice } from '../ways/channel_order.ts';
import type { InputChoice } from '../ways/input_quantization.ts';
import type { PaddingChoice } from '../ways/padding.ts';
import type { SignednessChoice } from '../ways/signedness.ts';
import type { LayoutChoice } from '../ways/weight_layout.ts';

/** Everything up to the accumulator. */
interface SumWays {
  readonly input: InputChoice;
  readonly padding: PaddingChoice;
  readonly alignment: AlignmentChoice;
  readonly layout: LayoutChoice;
  readonly channels: ChannelChoice;
  readonly signedness: SignednessChoice;
  readonly accumulation: AccumulationChoice;
}

/** Weights in the order of the products, [output channel][product], and their sum a channel. */
interface Rows {
  readonly w: Int32Array;
  readonly sums: Float64Array;
}

/** Channel, row and column of the kernel of every product, in order. */
interface Products {
  readonly c: Int32Array;
  readonly y: Int32Array;
  readonly x: Int32Array;
}

/** Bytes of 8-bit types index tables by their pattern. */
const BYTES = 256;

/** Computes accumulators of a layer in any way, one at a time or all; keeps the weights that it has arranged. */
export class Windows {
  readonly #linear: ByteLinear;
  readonly #perGroup: number;
  /** Of one accumulator. */
  readonly products: number;
  readonly #products = new Map<ProductOrder, Products>();
  readonly #rows = new Map<string, Rows>();
  readonly #tables = new Map<string, Int32Array>();

  constructor(linear: ByteLinear) {
    const { layer } = linear;
    this.#linear = linear;
    this.#perGroup = layer.inputChannels / layer.groups;
    this.products = this.#perGroup * layer.kernel[0] * layer.kernel[1];
  }

  sums(ways: SumWays): Sums {
    const { layer, output, input } = this.#linear;
    const { alignment, padding, signedness, channels, accumulation } = ways;
    const products = this.#productsOf(accumulation.order);
    const rows = this.#rowsOf(ways);
    const table = this.#tableOf(signedness);
    const x: ElementData = ways.input.x();
    const count = this.products;
    const perGroup = this.#perGroup;
    const outPerGroup = layer.outputChannels / layer.groups;
    const plane = output.height * output.width;
    const [strideY, strideX] = this.#linear.strides.map((s) => s + alignment.strideChange) as [number, number];
    const [dilationY, dilationX] = this.#linear.dilations;
    const top = alignment.shift[0] - layer.pads[0];
    const left = alignment.shift[1] - layer.pads[1];
    const isEdge = padding.value === 'edge';
    const outside = typeof padding.value === 'number' ? padding.value : ways.input.zeroPoint;
    const zeroOf = (o: number): number => signedness.weightZero ?? ofChannel(layer.weightZeroPoint, o);

    const window = new Int32Array(count);
    const operands = {
      x: window,
      w: rows.w,
      at: 0,
      count,
      outside: new Uint8Array(count),
      perTap: perGroup,
      zx: ways.input.zeroPoint,
      zw: 0,
      weightSum: 0,
    };
    /** Raw operands of the window of one pixel in the channels of one group. */
    const gather = (n: number, group: number, pixel: number): void => {
      const firstY = Math.floor(pixel / output.width) * strideY + top;
      const firstX = (pixel % output.width) * strideX + left;
      for (let k = 0; k < count; k++) {
        let iy = firstY + products.y[k]! * dilationY;
        let ix = firstX + products.x[k]! * dilationX;
        const isOutside = iy < 0 || iy >= input.height || ix < 0 || ix >= input.width;
        operands.outside[k] = Number(isOutside);
        if (isEdge) {
          iy = iy < 0 ? 0 : iy >= input.height ? input.height - 1 : iy;
          ix = ix < 0 ? 0 : ix >= input.width ? input.width - 1 : ix;
        } else if (isOutside) {
          window[k] = outside;
          continue;
        }
        const c = group * perGroup + products.c[k]!;
        const source = n * layer.inputChannels + (channels.input ? channels.input[c]! : c);
        window[k] = table[(x[(source * input.height + iy) * input.width + ix] as number) & 0xff]!;
      }
    };
    const sumOf = (o: number): number => {
      operands.at = o * count;
      operands.zw = zeroOf(o);
      operands.weightSum = rows.sums[o]!;
      return accumulation.sum(operands);
    };
    const sourceOf = (o: number): number => (channels.output ? channels.output[o]! : o);
    return {
      at(element) {
        const pixel = element % plane;
        const image = Math.floor(element / plane / layer.outputChannels);
        const o = sourceOf(Math.floor(element / plane) % layer.outputChannels);
        gather(image, Math.floor(o / outPerGroup), pixel);
        return sumOf(o);
      },
      all() {
        const result = new Float64Array(output.batch * layer.outputChannels * plane);
        const byGroup: number[][] = Array.from({ length: layer.groups }, () => []);
        for (let o = 0; o < layer.outputChannels; o++) byGroup[Math.floor(sourceOf(o) / outPerGroup)]!.push(o);
        for (let n = 0; n < output.batch; n++)
          for (const [group, outputs] of byGroup.entries())
            for (let pixel = 0; pixel < plane; pixel++) {
              gather(n, group, pixel);
              for (const o of outputs) result[(n * layer.outputChannels + o) * plane + pixel] = sumOf(sourceOf(o));
            }
        return result;
      },
    };
  }

  #tableOf({ id, x }: SignednessChoice): Int32Array {
    const known = this.#tables.get(id);
    const table = known ?? bytesAs(x, this.#linear.layer.input.type === 'int8');
    this.#tables.set(id, table);
    return table;
  }

  #productsOf(order: ProductOrder): Products {
    const known = this.#products.get(order);
    if (known) return known;
    const [height, width] = this.#linear.layer.kernel;
    const all: [c: number, y: number, x: number][] = [];
    for (let c = 0; c < this.#perGroup; c++)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) all.push([c, y, x]);
    if (order === 'kh,kw,c') all.sort((a, b) => a[1] - b[1] || a[2] - b[2] || a[0] - b[0]);
    if (order === 'kw,kh,c') all.sort((a, b) => a[2] - b[2] || a[1] - b[1] || a[0] - b[0]);
    const [c, y, x] = [0, 1, 2].map((i) => Int32Array.from(all, (product) => product[i]!)) as [
      Int32Array,
      Int32Array,
      Int32Array,
    ];
    this.#products.set(order, { c, y, x });
    return { c, y, x };
  }

  #rowsOf({ layout, signedness, accumulation }: SumWays): Rows {
    const key = [layout.id, signedness.w ? 'other' : '', accumulation.order].join();
    const known = this.#rows.get(key);
    if (known) return known;
    const { layer } = this.#linear;
    const { c, y, x } = this.#productsOf(accumulation.order);
    const [height, width] = layer.kernel;
    const count = this.products;
    const w = new Int32Array(layer.outputChannels * count);
    const sums = new Float64Array(layer.outputChannels);
    for (let o = 0; o < layer.outputChannels; o++)
      for (let k = 0; k < count; k++) {
        const raw = layout.weights[((o * this.#perGroup + c[k]!) * height + y[k]!) * width + x[k]!]!;
        const value = signedness.w ? signedness.w(raw) : raw;
        w[o * count + k] = value;
        sums[o]! += value;
      }
    const rows = { w, sums };
    this.#rows.set(key, rows);
    return rows;
  }
}

/** The value of each byte pattern. */
function bytesAs(change: ((value: number) => number) | undefined, isSigned: boolean): Int32Array {
  return Int32Array.from({ length: BYTES }, (_, byte) => {
    const value = isSigned && byte > 127 ? byte - BYTES : byte;
    return change ? change(value) : value;
  });
}
