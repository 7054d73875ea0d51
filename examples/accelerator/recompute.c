/*
 * Recomputes every layer of a network from the files that `exact8 vectors --format bin` wrote, in integers, and compares
 * each with the file of its output, bit for bit:
 *
 *   cc -std=c99 -O2 -I VECTORS -o recompute recompute.c && ./recompute VECTORS
 *
 * Activations are NCHW, weights OIHW. The formulas are those of VECTORS/README.md.
 * It takes >> of a negative number to be arithmetic, and the machine to be little-endian.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "network.h"

static const char *root;

/* A whole file; the program ends where it cannot be read or holds fewer than `bytes`. */
static void *load(const char *folder, const char *name, size_t bytes) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s%s%s", root, folder, *folder ? "/" : "", name);
  FILE *file = fopen(path, "rb");
  void *data = malloc(bytes);
  if (!file || !data || fread(data, 1, bytes, file) != bytes) {
    fprintf(stderr, "cannot read %zu bytes of %s\n", bytes, path);
    exit(2);
  }
  fclose(file);
  return data;
}

static size_t elements(const struct tensor *t) { return (size_t)t->batch * t->channels * t->height * t->width; }

/* An 8-bit tensor as int32, whatever its sign. */
static int32_t *load_bytes(const char *folder, const char *name, size_t count, int is_signed) {
  uint8_t *bytes = load(folder, name, count);
  int32_t *values = malloc(count * sizeof *values);
  for (size_t i = 0; i < count; i++) values[i] = is_signed ? (int8_t)bytes[i] : bytes[i];
  free(bytes);
  return values;
}

static int32_t *load_tensor(const struct tensor *t) { return load_bytes("", t->file, elements(t), t->least < 0); }

/* 8-bit values as int32, float32 as they are. */
static void *load_elements(const struct tensor *t) {
  return t->is_float ? load("", t->file, 4 * elements(t)) : (void *)load_tensor(t);
}

static int64_t clamp(int64_t x, int64_t min, int64_t max) { return x < min ? min : x > max ? max : x; }

/* What a layer knows of its output channels: the line of each, and boundaries where a channel has no exact one. */
struct requantization {
  int32_t *bias, *multiplier, *boundaries;
  int64_t *offset;
  uint8_t *shift, *exact;
};

static struct requantization load_requantization(const struct layer *l) {
  size_t n = l->channels;
  return (struct requantization){
    .bias = load(l->folder, "bias.bin", 4 * n),
    .multiplier = load(l->folder, "multiplier.bin", 4 * n),
    .offset = load(l->folder, "offset.bin", 8 * n),
    .shift = load(l->folder, "shift.bin", n),
    .exact = load(l->folder, "exact.bin", n),
    .boundaries = l->boundaries ? load(l->folder, "boundaries.bin", 4 * 255 * n) : NULL,
  };
}

static int32_t requantize(const struct layer *l, const struct requantization *r, int channel, int32_t accumulator) {
  int c = l->channels == 1 ? 0 : channel;
  if (r->exact[c]) {
    int64_t product = ((int64_t)accumulator + r->bias[c]) * r->multiplier[c];
    return (int32_t)clamp((product + r->offset[c]) >> r->shift[c], l->min, l->max);
  }
  const int32_t *boundaries = r->boundaries + 255 * (size_t)c;
  int code = 0;
  while (code < 255 && boundaries[code] <= accumulator) code++;
  return l->output.least + code;
}

static void free_requantization(struct requantization *r) {
  free(r->bias), free(r->multiplier), free(r->boundaries), free(r->offset), free(r->shift), free(r->exact);
}

/* The input at a position of the window; outside of it the zero point. */
static int32_t pixel(const struct tensor *t, const int32_t *x, int image, int channel, int row, int column) {
  if (row < 0 || row >= t->height || column < 0 || column >= t->width) return t->zero;
  return x[(((size_t)image * t->channels + channel) * t->height + row) * t->width + column];
}

/* Of product k of an output, in the order ky, kx, c of the window: weight and input; is the input outside of the picture? */
struct product {
  int32_t weight, value;
  int outside;
};

static struct product product_of(const struct layer *l, const int32_t *x, const int32_t *w, int image, int channel, int oy,
                                 int ox, int k) {
  int per_group = l->input.channels / l->groups;
  int first = channel / (l->output.channels / l->groups) * per_group;
  int c = k % per_group, ky = k / per_group / l->kernel_width, kx = k / per_group % l->kernel_width;
  int row = oy * l->stride_y - l->pad_top + ky * l->dilation_y;
  int column = ox * l->stride_x - l->pad_left + kx * l->dilation_x;
  return (struct product){
    .weight = w[(c * l->kernel_height + ky) * l->kernel_width + kx],
    .value = pixel(&l->input, x, image, first + c, row, column),
    .outside = row < 0 || row >= l->input.height || column < 0 || column >= l->input.width,
  };
}

/* The accumulator of one output: w are the channel's weights, wz their zero point; slots: see struct layer. */
static int32_t accumulate(const struct layer *l, const int32_t *x, const int32_t *w, int32_t wz, const int32_t *slots,
                          int image, int channel, int oy, int ox) {
  int count = l->kernel_height * l->kernel_width * (l->input.channels / l->groups);
  int32_t sum = 0, zeros = 0;
  if (!l->pairs) {
    for (int k = 0; k < count; k++) {
      struct product p = product_of(l, x, w, image, channel, oy, ox, k);
      sum += (p.value - l->input.zero) * (p.weight - wz);
    }
    return sum;
  }
  /* products that wrap are of signed values */
  int offset = l->wraps && l->input.least == 0 ? 128 : 0;
  int length = l->slots > 0 ? l->slots : count;
  for (int slot = 0; slot < length; slot += 2) {
    int32_t pair = 0;
    for (int i = slot; i < slot + 2 && i < length; i++) {
      int k = l->slots > 0 ? slots[i] : i;
      if (k < 0) continue;
      struct product p = product_of(l, x, w, image, channel, oy, ox, k);
      if (p.outside && l->inside) continue;
      pair += (p.value - offset) * p.weight;
      sum -= (p.value - offset) * wz; /* alone, it overflows nothing */
      zeros += (l->input.zero - offset) * (p.weight - wz);
    }
    if (!l->wraps) pair = (int32_t)clamp(pair, -32768, 32767);
    else if (pair == 32768) pair = -32768;
    sum += pair;
  }
  if (l->rounds) return (int32_t)(float)sum - (int32_t)(float)zeros;
  return sum - zeros;
}

static void convolution(const struct layer *l, int32_t *y) {
  size_t per_channel = (size_t)(l->input.channels / l->groups) * l->kernel_height * l->kernel_width;
  int32_t *x = load_tensor(&l->input);
  int32_t *weights = load_bytes("", l->weights, per_channel * l->output.channels, l->weights_signed);
  int32_t *zeros = load(l->folder, "weight_zero_point.bin", 4 * (size_t)l->output.channels);
  int32_t *slots = l->slots > 0 ? load(l->folder, "slots.bin", 4 * (size_t)l->slots) : NULL;
  struct requantization r = load_requantization(l);
  for (int n = 0; n < l->output.batch; n++)
    for (int o = 0; o < l->output.channels; o++)
      for (int oy = 0; oy < l->output.height; oy++)
        for (int ox = 0; ox < l->output.width; ox++)
          *y++ = requantize(l, &r, o, accumulate(l, x, weights + o * per_channel, zeros[o], slots, n, o, oy, ox));
  free(x), free(weights), free(zeros), free(slots), free_requantization(&r);
}

static void pool(const struct layer *l, int32_t *y) {
  int32_t *x = load_tensor(&l->input), *value = x;
  struct requantization r = load_requantization(l);
  for (int i = 0; i < l->output.batch * l->output.channels; i++) {
    int32_t sum = 0;
    for (int p = 0; p < l->input.height * l->input.width; p++) sum += *value++ - l->input.zero;
    y[i] = requantize(l, &r, i % l->output.channels, sum);
  }
  free(x), free_requantization(&r);
}

static void max_pool(const struct layer *l, int32_t *y) {
  int32_t *x = load_tensor(&l->input);
  for (int plane = 0; plane < l->output.batch * l->output.channels; plane++)
    for (int oy = 0; oy < l->output.height; oy++)
      for (int ox = 0; ox < l->output.width; ox++) {
        int32_t largest = l->output.least;
        for (int k = 0; k < l->kernel_height * l->kernel_width; k++) {
          int row = oy * l->stride_y - l->pad_top + k / l->kernel_width * l->dilation_y;
          int column = ox * l->stride_x - l->pad_left + k % l->kernel_width * l->dilation_x;
          if (row < 0 || row >= l->input.height || column < 0 || column >= l->input.width) continue;
          int32_t value = x[((size_t)plane * l->input.height + row) * l->input.width + column];
          if (value > largest) largest = value;
        }
        *y++ = largest;
      }
  free(x);
}

/* Of windows: the integer sum of what lies inside of the input, requantized as their count says. */
static void average_pool(const struct layer *l, int32_t *y) {
  int32_t *x = load_tensor(&l->input), *counts = load(l->folder, "counts.bin", 4 * (size_t)l->counts);
  struct requantization r = load_requantization(l);
  for (int plane = 0; plane < l->output.batch * l->output.channels; plane++)
    for (int oy = 0; oy < l->output.height; oy++)
      for (int ox = 0; ox < l->output.width; ox++) {
        int32_t sum = 0, count = 0;
        for (int k = 0; k < l->kernel_height * l->kernel_width; k++) {
          int row = oy * l->stride_y - l->pad_top + k / l->kernel_width * l->dilation_y;
          int column = ox * l->stride_x - l->pad_left + k % l->kernel_width * l->dilation_x;
          if (row < 0 || row >= l->input.height || column < 0 || column >= l->input.width) continue;
          sum += x[((size_t)plane * l->input.height + row) * l->input.width + column] - l->input.zero;
          count++;
        }
        int which = 0;
        while (which < l->counts - 1 && counts[which] != count) which++;
        *y++ = requantize(l, &r, which, sum);
      }
  free(x), free(counts), free_requantization(&r);
}

/* The same of float32 values, summed in an order of its own. */
static void average_pool_float(const struct layer *l, int32_t *y) {
  int32_t *x = load_tensor(&l->input), *counts = load(l->folder, "counts.bin", 4 * (size_t)l->counts);
  float *values = load(l->folder, "values.bin", 4 * 256);
  float *thresholds = load(l->folder, "thresholds.bin", 4 * 255 * (size_t)l->counts);
  for (int plane = 0; plane < l->output.batch * l->output.channels; plane++)
    for (int oy = 0; oy < l->output.height; oy++)
      for (int ox = 0; ox < l->output.width; ox++) {
        float sum = 0;
        int32_t count = 0;
        for (int line = 0; line < l->lines; line++) {
          float partial = 0;
          for (int along = 0; along < l->length; along++) {
            int k = line * l->line_step + along * l->step;
            int row = oy * l->stride_y - l->pad_top + k / l->kernel_width * l->dilation_y;
            int column = ox * l->stride_x - l->pad_left + k % l->kernel_width * l->dilation_x;
            if (row < 0 || row >= l->input.height || column < 0 || column >= l->input.width) continue;
            partial += values[x[((size_t)plane * l->input.height + row) * l->input.width + column] - l->input.least];
            count++;
          }
          sum += partial;
        }
        int which = 0, code = 0;
        while (which < l->counts - 1 && counts[which] != count) which++;
        while (code < 255 && thresholds[255 * which + code] <= sum) code++;
        *y++ = l->output.least + code;
      }
  free(x), free(counts), free(values), free(thresholds);
}

/* What the elements at the end of a memory block have: [first, end) in NHWC order. */
static int32_t *load_tails(const struct layer *l) {
  return l->tails ? load(l->folder, "tails.bin", 8 * (size_t)l->tails) : NULL;
}

static int is_tail(const struct layer *l, const int32_t *tails, int i) {
  int plane = l->output.height * l->output.width, channels = l->output.channels;
  int nhwc = (i / (plane * channels) * plane + i % plane) * channels + i / plane % channels;
  for (int t = 0; t < l->tails; t++)
    if (nhwc >= tails[2 * t] && nhwc < tails[2 * t + 1]) return 1;
  return 0;
}

/* Of an element of the output the other operand's, of which dimensions may be 1. */
static size_t partner(const struct layer *l, int i) {
  const struct tensor *o = &l->output, *b = &l->other;
  int column = i % o->width, row = i / o->width % o->height, channel = i / (o->width * o->height) % o->channels;
  int image = i / (o->width * o->height * o->channels);
  size_t at = b->batch == 1 ? 0 : image;
  at = at * b->channels + (b->channels == 1 ? 0 : channel);
  at = at * b->height + (b->height == 1 ? 0 : row);
  return at * b->width + (b->width == 1 ? 0 : column);
}

/* A function of two bytes: an add, a product. */
static void pair(const struct layer *l, int32_t *y) {
  int32_t *a = load_tensor(&l->input), *b = load_tensor(&l->other), *tails = load_tails(l);
  uint8_t *table = l->line ? NULL : load(l->folder, "table.bin", 65536);
  uint8_t *tail_table = l->tails ? load(l->folder, "tail_table.bin", 65536) : NULL;
  for (int i = 0; i < (int)elements(&l->output); i++) {
    int32_t p = a[i] - l->input.least, q = b[partner(l, i)] - l->other.least; /* codes */
    int tail = is_tail(l, tails, i);
    int64_t sum = (int64_t)p * l->multiplier_a + (int64_t)q * l->multiplier_b + l->offset;
    int32_t code = tail      ? tail_table[256 * p + q]
                   : l->line ? (int32_t)clamp(sum >> l->shift, l->min, l->max)
                             : table[256 * p + q];
    y[i] = code + l->output.least;
  }
  free(a), free(b), free(table), free(tail_table), free(tails);
}

static void quantize(const struct layer *l, int32_t *y) {
  float *x = load("", l->input.file, 4 * elements(&l->input)), *body = load(l->folder, "thresholds.bin", 4 * 255);
  float *tail = l->tails ? load(l->folder, "tail_thresholds.bin", 4 * 255) : NULL;
  int32_t *tails = load_tails(l);
  int32_t *table = l->pixels ? load_bytes(l->folder, "pixel_table.bin", 3 * 256, l->output.least < 0) : NULL;
  int32_t *pixels = l->pixels ? load_bytes("", l->pixels, elements(&l->output), 0) : NULL;
  size_t plane = (size_t)l->output.height * l->output.width;
  for (size_t i = 0; i < elements(&l->output); i++) {
    float *thresholds = is_tail(l, tails, (int)i) ? tail : body;
    int code = 0;
    while (code < 255 && thresholds[code] <= x[i]) code++;
    y[i] = l->output.least + code;
    /* from the picture's bytes it has to be the same: no code is 256 */
    if (l->pixels && table[i / plane * 256 + pixels[i]] != y[i]) y[i] = l->output.least + 256;
  }
  free(x), free(body), free(tail), free(tails), free(table), free(pixels);
}

static void dequantize(const struct layer *l, float *y) {
  int32_t *x = load_tensor(&l->input), *tails = load_tails(l);
  float *table = load(l->folder, "table.bin", 4 * 256);
  float *tail_table = l->tails ? load(l->folder, "tail_table.bin", 4 * 256) : NULL;
  for (size_t i = 0; i < elements(&l->output); i++)
    y[i] = (is_tail(l, tails, (int)i) ? tail_table : table)[x[i] - l->input.least];
  free(x), free(table), free(tail_table), free(tails);
}

static void bytes(const struct layer *l, int32_t *y) {
  int32_t *x = load_tensor(&l->input), is_signed = l->output.least < 0;
  int32_t *table = load_bytes(l->folder, "table.bin", 256, is_signed);
  int32_t *tail_table = l->tails ? load_bytes(l->folder, "tail_table.bin", 256, is_signed) : NULL;
  int32_t *tails = load_tails(l);
  for (int i = 0; i < (int)elements(&l->output); i++)
    y[i] = (is_tail(l, tails, i) ? tail_table : table)[x[i] - l->input.least];
  free(x), free(table), free(tail_table), free(tails);
}

/* floor((a * b + 2^30) / 2^31) */
static int32_t mulh(int64_t a, int64_t b) { return (int32_t)((a * b + (1 << 30)) >> 31); }

static int64_t saturate(int64_t x) { return clamp(x, INT32_MIN, INT32_MAX); }

/* x / 2^shift, rounded half away from zero; x is 0 or more */
static int64_t divide(int64_t x, int shift) { return (x + ((int64_t)1 << (shift - 1))) >> shift; }

/* What a softmax makes of exponentials[d] or terms[d], where it is in integers. */
static int64_t softmax_output(const struct layer *l, int32_t exponential, int32_t sum) {
  if (l->softmax == 2) {
    int zeros = 0;
    while (!((uint32_t)sum >> (31 - zeros) & 1)) zeros++;
    int64_t half = (int64_t)sum << (zeros - 1), x = 1515870810 + mulh(half, -1010580540);
    for (int i = 0; i < 3; i++) x += saturate(4 * (int64_t)mulh(x, (1 << 29) - mulh(half, x)));
    return divide(mulh(exponential, saturate(2 * x)), 35 - zeros) + l->output.least;
  }
  float product = (float)sum * l->output.scale, inverse = 1 / product;
  int exponent = 0;
  int64_t multiplier;
  for (double m = inverse;; exponent++, m /= 2)
    if (m < 1) {
      while (m < 0.5) exponent--, m *= 2;
      multiplier = (int64_t)(m * 2147483648.0);
      break;
    }
  int32_t high = mulh(exponential, multiplier);
  return (exponent < 0 ? divide(high, -exponent) : high) + l->output.zero;
}

static void softmax(const struct layer *l, int32_t *y) {
  int32_t *x = load_tensor(&l->input);
  void *file = load(l->folder, "terms.bin", 4 * 256);
  float *floats = file;
  int32_t *terms = file, *exponentials = l->softmax == 2 ? load(l->folder, "exponentials.bin", 4 * 256) : terms;
  int plane = l->output.height * l->output.width, channels = l->output.channels;
  for (int i = 0; i < l->output.batch * plane; i++) {
    int32_t *first = x + (size_t)(i / plane) * channels * plane + i % plane, largest = first[0], sum = 0;
    float total = 0;
    for (int c = 1; c < channels; c++) largest = first[c * plane] > largest ? first[c * plane] : largest;
    for (int c = 0; c < channels; c++)
      if (l->softmax == 1) total += floats[largest - first[c * plane]];
      else sum += terms[largest - first[c * plane]];
    float product = total * l->output.scale, inverse = 1 / product;
    for (int c = 0; c < channels; c++) {
      int32_t d = largest - first[c * plane];
      int64_t value;
      if (l->softmax == 1) {
        float scaled = floats[d] * inverse;
        float moved = scaled + 0.5f;
        value = (int64_t)moved + l->output.zero; /* moved is above 0 */
      } else value = softmax_output(l, exponentials[d], sum);
      y[first - x + (size_t)c * plane] = (int32_t)clamp(value, l->output.least, l->output.least + 255);
    }
  }
  if (exponentials != terms) free(exponentials);
  free(x), free(file);
}

static void add_float(const struct layer *l, float *y) {
  size_t count = elements(&l->output);
  float *a = load("", l->input.file, 4 * count);
  float *b = l->operand ? load(l->folder, "operand.bin", 4 * (size_t)l->operand) : load("", l->other.file, 4 * count);
  int per_channel = l->operand && (size_t)l->operand != count;
  size_t plane = (size_t)l->output.height * l->output.width;
  for (size_t i = 0; i < count; i++) y[i] = a[i] + b[per_channel ? i / plane % l->output.channels : i];
  free(a), free(b);
}

/* Inputs one behind the other along a dimension: a run of each in turn. */
static void concat(const struct layer *l, int32_t *y) {
  size_t at = 0, whole = elements(&l->output) / l->runs;
  for (int k = 0; k < l->count; k++) {
    int32_t *x = load_tensor(&l->inputs[k]);
    size_t run = elements(&l->inputs[k]) / l->runs;
    for (int i = 0; i < l->runs; i++) memcpy(y + i * whole + at, x + i * run, run * sizeof *y);
    at += run;
    free(x);
  }
}

/* Elements, of 8 bits or float32, from where sources.bin says. */
static void move(const struct layer *l, int32_t *y) {
  size_t count = elements(&l->output);
  int32_t *x = load_elements(&l->input), *sources = load(l->folder, "sources.bin", 4 * count);
  for (size_t i = 0; i < count; i++) y[i] = sources[i] < 0 ? l->fill : x[sources[i]];
  free(x), free(sources);
}

/* How many elements of the layer are not what the file of its output holds. */
static size_t check(const struct layer *l) {
  size_t count = elements(&l->output), wrong = 0;
  void *y = malloc(4 * count); /* int32 or float32 */
  switch (l->kind) {
    case CONVOLUTION: convolution(l, y); break;
    case POOL: pool(l, y); break;
    case MAX_POOL: max_pool(l, y); break;
    case AVERAGE_POOL: average_pool(l, y); break;
    case AVERAGE_POOL_FLOAT: average_pool_float(l, y); break;
    case ADD: case PAIR: pair(l, y); break;
    case ADD_FLOAT: add_float(l, y); break;
    case BYTES: bytes(l, y); break;
    case SOFTMAX: softmax(l, y); break;
    case QUANTIZE: quantize(l, y); break;
    case DEQUANTIZE: dequantize(l, y); break;
    case CONCAT: concat(l, y); break;
    case MOVE: move(l, y); break;
    case COPY: free(y), y = load_elements(&l->input); break;
  }
  void *expected = load_elements(&l->output);
  for (size_t i = 0; i < count; i++) wrong += memcmp((char *)y + 4 * i, (char *)expected + 4 * i, 4) != 0;
  free(y), free(expected);
  return wrong;
}

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: recompute VECTORS\n"), 2;
  root = argv[1];
  size_t wrong_layers = 0;
  for (int i = 0; i < LAYER_COUNT; i++) {
    size_t wrong = check(&LAYERS[i]);
    printf("%-40s %10zu elements, %zu differ\n", LAYERS[i].name, elements(&LAYERS[i].output), wrong);
    wrong_layers += wrong > 0;
  }
  printf("%d layers, %zu differ\n", LAYER_COUNT, wrong_layers);
  return wrong_layers > 0;
}
