// A streaming 3x3 convolution of 8-bit values, ordinary or depthwise, with a requantization of its own for each channel.
//
// Pixels come in row by row, all channels of a pixel at once, channel 0 in the lowest byte. Two line buffers keep the
// rows above; the unit puts the padding around the image itself. When the window is complete it stops taking pixels and
// gives one output channel a clock, so outputs are in NHWC order. The pipeline:
//
//   accumulate   sum((x - INPUT_ZERO) * (w - weight_zero_point)) over the window
//   requantize   clamp(((accumulator + bias) * multiplier + offset) >> shift, OUTPUT_MIN, OUTPUT_MAX)
//   correct      where the line of a channel is not exact it is right or one too low: one comparison puts it right
//
// With FIXED_POINT the last two are TensorFlow Lite's own requantization instead, by its quantized multiplier and shift:
//
//   fixed point  clamp(rescale(accumulator + bias) + OUTPUT_ZERO, OUTPUT_MIN, OUTPUT_MAX), rounded in each channel as its
//                `rounding` says: 0 double, 1 double-up, 2 single
//
// Parameters and memory files are those of `exact8 vectors --format hex --order nhwc` or `tiled` (parameters.vh). The FAULT_
// parameters plant the usual mistakes, for practice in finding them.
module conv3x3 #(
  parameter IN_CHANNELS = 1, IN_HEIGHT = 1, IN_WIDTH = 1, OUT_CHANNELS = 1,
  parameter DEPTHWISE = 0, STRIDE = 1,
  parameter PAD_TOP = 0, PAD_LEFT = 0, PAD_BOTTOM = 0, PAD_RIGHT = 0,
  parameter INPUT_SIGNED = 0, INPUT_ZERO = 0, WEIGHT_SIGNED = 1, WEIGHT_ZERO_BITS = 1,
  parameter OUTPUT_TYPE_MIN = 0, OUTPUT_MIN = 0, OUTPUT_MAX = 255,
  parameter SATURATING_PAIRS = 0, CORRECTED = 0, WORD_BITS = 8, WEIGHT_TILE = 1,
  parameter FIXED_POINT = 0, OUTPUT_ZERO = 0, QUANTIZED_SHIFT_BITS = 1,
  parameter ACCUMULATOR_BITS = 32, SUM_BITS = 32, BIAS_BITS = 32,
  parameter MULTIPLIER_BITS = 31, OFFSET_BITS = 53, SHIFT_BITS = 6, BOUNDARY_BITS = 32,
  parameter WEIGHTS_FILE = "", WEIGHT_ZERO_POINT_FILE = "", BIAS_FILE = "",
  parameter MULTIPLIER_FILE = "", OFFSET_FILE = "", SHIFT_FILE = "", EXACT_FILE = "", BOUNDARIES_FILE = "",
  parameter QUANTIZED_MULTIPLIER_FILE = "", QUANTIZED_SHIFT_FILE = "", ROUNDING_FILE = "",
  parameter FAULT_SATURATE_PAIRS = 0, FAULT_ZERO_PADDING = 0, FAULT_TRUNCATE = 0, FAULT_NO_BIAS = 0,
  parameter FAULT_ROUND_ONCE = 0
) (
  input clock,
  input reset,
  input in_valid,
  output in_ready,
  input [8*IN_CHANNELS-1:0] in_pixel,
  output reg out_valid,
  output reg [7:0] out_value
);
  localparam TERMS = DEPTHWISE ? 1 : IN_CHANNELS;  // channels of an output
  localparam TAPS = 9 * TERMS;
  localparam HEIGHT = PAD_TOP + IN_HEIGHT + PAD_BOTTOM;
  localparam WIDTH = PAD_LEFT + IN_WIDTH + PAD_RIGHT;
  localparam [7:0] PADDING = FAULT_ZERO_PADDING ? 0 : INPUT_ZERO;

  // --- parameters of the layer, [output channel][tile][row][column][input channel of the tile]; all may be one tile ---

  localparam LANES = WORD_BITS / 8;  // weights of a word, the first in the lowest bits
  localparam TILES = (TERMS + WEIGHT_TILE - 1) / WEIGHT_TILE;
  reg [WORD_BITS-1:0] weights[0:(OUT_CHANNELS*TILES*9*WEIGHT_TILE+LANES-1)/LANES-1];
  reg signed [WEIGHT_ZERO_BITS-1:0] weight_zero_point[0:OUT_CHANNELS-1];
  reg signed [BIAS_BITS-1:0] bias[0:OUT_CHANNELS-1];
  reg [MULTIPLIER_BITS-1:0] multiplier[0:OUT_CHANNELS-1];
  reg signed [OFFSET_BITS-1:0] offset[0:OUT_CHANNELS-1];
  reg [SHIFT_BITS-1:0] shift[0:OUT_CHANNELS-1];
  reg exact[0:OUT_CHANNELS-1];
  reg [30:0] quantized_multiplier[0:OUT_CHANNELS-1];
  reg signed [QUANTIZED_SHIFT_BITS-1:0] quantized_shift[0:OUT_CHANNELS-1];
  reg [1:0] rounding_way[0:OUT_CHANNELS-1];
  reg signed [BOUNDARY_BITS-1:0] boundaries[0:(CORRECTED ? OUT_CHANNELS*255 : 1)-1];
  initial begin
    if (SATURATING_PAIRS > 1) begin
      $display("FAIL: this unit adds neighbours in pairs, and has no others");
      $finish;
    end
    $readmemh(WEIGHTS_FILE, weights);
    $readmemh(WEIGHT_ZERO_POINT_FILE, weight_zero_point);
    $readmemh(BIAS_FILE, bias);
    $readmemh(MULTIPLIER_FILE, multiplier);
    $readmemh(OFFSET_FILE, offset);
    $readmemh(SHIFT_FILE, shift);
    $readmemh(EXACT_FILE, exact);
    if (CORRECTED) $readmemh(BOUNDARIES_FILE, boundaries);
    if (FIXED_POINT) begin
      $readmemh(QUANTIZED_MULTIPLIER_FILE, quantized_multiplier);
      $readmemh(QUANTIZED_SHIFT_FILE, quantized_shift);
      $readmemh(ROUNDING_FILE, rounding_way);
    end
  end

  // --- the window: a raster scan over the padded image ------------------------------------------------------------

  reg [8*IN_CHANNELS-1:0] above[0:WIDTH-1], above_that[0:WIDTH-1];  // line buffers
  reg [8*IN_CHANNELS-1:0] window[0:8];
  integer row, column;
  reg busy;  // the window is complete: output channel `channel` is next
  integer channel;

  wire inside = row >= PAD_TOP && row < PAD_TOP + IN_HEIGHT && column >= PAD_LEFT && column < PAD_LEFT + IN_WIDTH;
  wire advance = !busy && (in_valid || !inside);
  wire complete = row >= 2 && column >= 2 && (row - 2) % STRIDE == 0 && (column - 2) % STRIDE == 0;
  wire [8*IN_CHANNELS-1:0] pixel = inside ? in_pixel : {IN_CHANNELS{PADDING}};
  assign in_ready = !busy && inside;

  integer i;
  always @(posedge clock)
    if (reset) begin
      row <= 0;
      column <= 0;
      busy <= 0;
      channel <= 0;
    end else if (advance) begin
      for (i = 0; i < 9; i = i + 1) if (i % 3 < 2) window[i] <= window[i+1];
      window[2] <= above_that[column];
      window[5] <= above[column];
      window[8] <= pixel;
      above_that[column] <= above[column];
      above[column] <= pixel;
      column <= column == WIDTH - 1 ? 0 : column + 1;
      if (column == WIDTH - 1) row <= row == HEIGHT - 1 ? 0 : row + 1;
      busy <= complete;
    end else if (busy) begin
      channel <= channel == OUT_CHANNELS - 1 ? 0 : channel + 1;
      busy <= channel != OUT_CHANNELS - 1;
    end

  // --- accumulate -------------------------------------------------------------------------------------------------

  reg accumulated;
  integer accumulated_channel;
  reg signed [ACCUMULATOR_BITS-1:0] accumulator;

  integer tap, term, k, x, w, pair, sum, index;
  reg [8*IN_CHANNELS-1:0] taps;
  always @(posedge clock) begin
    accumulated <= busy && !reset;
    accumulated_channel <= channel;
    if (busy) begin
      sum = 0;
      pair = 0;
      k = 0;
      for (tap = 0; tap < 9; tap = tap + 1) begin
        taps = window[tap];
        for (term = 0; term < TERMS; term = term + 1) begin
          x = taps[8*(DEPTHWISE ? channel : term)+:8];
          index = ((channel * TILES + term / WEIGHT_TILE) * 9 + tap) * WEIGHT_TILE + term % WEIGHT_TILE;
          w = weights[index/LANES][8*(index%LANES)+:8];
          if (INPUT_SIGNED && x > 127) x = x - 256;
          if (WEIGHT_SIGNED && w > 127) w = w - 256;
          if (SATURATING_PAIRS || FAULT_SATURATE_PAIRS) begin
            // raw products in pairs of 16 bits, as x86's vpmaddubsw; the zero point is taken out behind them
            pair = pair + x * w;
            sum = sum - INPUT_ZERO * w - (x - INPUT_ZERO) * weight_zero_point[channel];
            if (k % 2 == 1 || k == TAPS - 1) begin
              sum = sum + (pair > 32767 ? 32767 : pair < -32768 ? -32768 : pair);
              pair = 0;
            end
          end else sum = sum + (x - INPUT_ZERO) * (w - weight_zero_point[channel]);
          k = k + 1;
        end
      end
      accumulator <= sum;
    end
  end

  // --- requantize -------------------------------------------------------------------------------------------------

  reg requantized;
  integer requantized_channel;
  integer requantized_accumulator;  // what the boundaries are compared with: they have the bias in them
  integer value;

  // TensorFlow Lite's MultiplyByQuantizedMultiplier
  function signed [63:0] rescale(input signed [63:0] x, input signed [63:0] by, input integer shift, input [1:0] way);
    integer right;
    begin
      right = shift < 0 ? -shift : 0;
      if (way == 2 || FAULT_ROUND_ONCE) rescale = (x * by + (64'sd1 <<< (30 - shift))) >>> (31 - shift);
      else begin
        // the high half of the doubled product, rounded; then a shift that rounds half up, or half away from zero
        rescale = ((x <<< (shift > 0 ? shift : 0)) * by + (64'sd1 <<< 30)) >>> 31;
        if (right > 0)
          rescale = (rescale + (64'sd1 <<< (right - 1)) - (way == 0 && rescale < 0 ? 64'sd1 : 64'sd0)) >>> right;
      end
    end
  endfunction

  reg signed [SUM_BITS-1:0] biased;
  reg signed [63:0] line, rounding;
  always @(posedge clock) begin
    requantized <= accumulated && !reset;
    requantized_channel <= accumulated_channel;
    requantized_accumulator <= FAULT_NO_BIAS ? accumulator - bias[accumulated_channel] : accumulator;
    if (accumulated) begin
      biased = accumulator;
      if (!FAULT_NO_BIAS) biased = biased + bias[accumulated_channel];
      // an exact line rounds by half a unit in its offset; the others are rounded by their correction
      rounding = 0;
      if (FIXED_POINT) begin
        line = rescale(biased, {33'b0, quantized_multiplier[accumulated_channel]},
                       quantized_shift[accumulated_channel], rounding_way[accumulated_channel]) + OUTPUT_ZERO;
      end else begin
        if (FAULT_TRUNCATE && exact[accumulated_channel]) rounding = 64'sd1 <<< (shift[accumulated_channel] - 1);
        line = biased * $signed({1'b0, multiplier[accumulated_channel]}) + offset[accumulated_channel] - rounding;
        line = line >>> shift[accumulated_channel];
      end
      value <= line < OUTPUT_MIN ? OUTPUT_MIN : line > OUTPUT_MAX ? OUTPUT_MAX : line;
    end
  end

  // --- correct ----------------------------------------------------------------------------------------------------

  always @(posedge clock) begin
    out_valid <= requantized && !reset;
    if (requantized) begin
      out_value <= value;
      if (CORRECTED && !FIXED_POINT && !FAULT_TRUNCATE && value < OUTPUT_MAX)
        if (requantized_accumulator >= boundaries[requantized_channel*255+value-OUTPUT_TYPE_MIN]) out_value <= value + 1;
    end
  end
endmodule
