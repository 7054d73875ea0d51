// Feeds one layer's input to conv3x3 and compares every output. parameters.vh, and the files that it names from the
// folder of the vectors, are written by `exact8 vectors --format hex --order nhwc`, or with TILED `--order tiled`. See
// simulate.sh.
//
//   +dump=FILE   writes the outputs with $writememh, NHWC
module testbench;
  `include "parameters.vh"
  parameter FAULT_SATURATE_PAIRS = 0, FAULT_ZERO_PADDING = 0, FAULT_TRUNCATE = 0, FAULT_NO_BIAS = 0;
  parameter FAULT_ROUND_ONCE = 0;
  // the line, where TensorFlow Lite's own integers are there, too
  parameter BY_LINE = 0;

  localparam PIXELS = IN_HEIGHT * IN_WIDTH;
  localparam OUTPUTS = OUT_HEIGHT * OUT_WIDTH * OUT_CHANNELS;
  localparam DEPTHWISE = GROUPS > 1;

  // channels of a pixel lie in tiles, [tile][pixel][channel of the tile]; NHWC is one tile of all
`ifdef TILED
  localparam IN_TILE = TILE, OUT_TILE = TILE, WEIGHT_TILE = TILE;
  localparam IN_FILE = INPUT_NCHWC_FILE, OUT_FILE = OUTPUT_NCHWC_FILE, WEIGHTS_FILE = WEIGHTS_OIHWC_FILE;
`else
  localparam IN_TILE = IN_CHANNELS, OUT_TILE = OUT_CHANNELS, WEIGHT_TILE = IN_CHANNELS / GROUPS;
  localparam IN_FILE = INPUT_NHWC_FILE, OUT_FILE = OUTPUT_NHWC_FILE, WEIGHTS_FILE = WEIGHTS_OHWI_FILE;
`endif
  localparam IN_PLACES = (IN_CHANNELS + IN_TILE - 1) / IN_TILE * IN_TILE * PIXELS;
  localparam OUT_PIXELS = OUT_HEIGHT * OUT_WIDTH;
  localparam OUT_PLACES = (OUT_CHANNELS + OUT_TILE - 1) / OUT_TILE * OUT_TILE * OUT_PIXELS;

  // files have words of WORD_BITS, each of LANES values, the first in the lowest bits
  localparam LANES = WORD_BITS / 8;
  reg [WORD_BITS-1:0] inputs[0:(IN_PLACES+LANES-1)/LANES-1];
  reg [WORD_BITS-1:0] expected[0:(OUT_PLACES+LANES-1)/LANES-1];
  reg [WORD_BITS-1:0] word;
  reg [7:0] theirs[0:OUTPUTS-1];

  reg clock = 0;
  always #1 clock = !clock;

  reg reset = 1;
  reg [8*IN_CHANNELS-1:0] pixel;
  wire ready, valid;
  wire [7:0] value;

  conv3x3 #(
    .IN_CHANNELS(IN_CHANNELS), .IN_HEIGHT(IN_HEIGHT), .IN_WIDTH(IN_WIDTH), .OUT_CHANNELS(OUT_CHANNELS),
    .DEPTHWISE(DEPTHWISE), .STRIDE(STRIDE_Y),
    .PAD_TOP(PAD_TOP), .PAD_LEFT(PAD_LEFT), .PAD_BOTTOM(PAD_BOTTOM), .PAD_RIGHT(PAD_RIGHT),
    .INPUT_SIGNED(INPUT_SIGNED), .INPUT_ZERO(INPUT_ZERO),
    .WEIGHT_SIGNED(WEIGHT_SIGNED), .WEIGHT_ZERO_BITS(WEIGHT_ZERO_BITS),
    .OUTPUT_TYPE_MIN(OUTPUT_TYPE_MIN), .OUTPUT_MIN(OUTPUT_MIN), .OUTPUT_MAX(OUTPUT_MAX),
    .SATURATING_PAIRS(SATURATING_PAIRS), .CORRECTED(CORRECTED), .WORD_BITS(WORD_BITS),
    .WEIGHT_TILE(WEIGHT_TILE),
    .FIXED_POINT(FIXED_POINT && !BY_LINE), .OUTPUT_ZERO(OUTPUT_ZERO), .QUANTIZED_SHIFT_BITS(QUANTIZED_SHIFT_BITS),
    .ACCUMULATOR_BITS(ACCUMULATOR_BITS), .SUM_BITS(SUM_BITS), .BIAS_BITS(BIAS_BITS),
    .MULTIPLIER_BITS(MULTIPLIER_BITS), .OFFSET_BITS(OFFSET_BITS), .SHIFT_BITS(SHIFT_BITS), .BOUNDARY_BITS(BOUNDARY_BITS),
    .WEIGHTS_FILE(WEIGHTS_FILE), .WEIGHT_ZERO_POINT_FILE(WEIGHT_ZERO_POINT_FILE), .BIAS_FILE(BIAS_FILE),
    .MULTIPLIER_FILE(MULTIPLIER_FILE), .OFFSET_FILE(OFFSET_FILE), .SHIFT_FILE(SHIFT_FILE), .EXACT_FILE(EXACT_FILE),
    .BOUNDARIES_FILE(BOUNDARIES_FILE), .QUANTIZED_MULTIPLIER_FILE(QUANTIZED_MULTIPLIER_FILE),
    .QUANTIZED_SHIFT_FILE(QUANTIZED_SHIFT_FILE), .ROUNDING_FILE(ROUNDING_FILE),
    .FAULT_SATURATE_PAIRS(FAULT_SATURATE_PAIRS), .FAULT_ZERO_PADDING(FAULT_ZERO_PADDING),
    .FAULT_TRUNCATE(FAULT_TRUNCATE), .FAULT_NO_BIAS(FAULT_NO_BIAS),
    .FAULT_ROUND_ONCE(FAULT_ROUND_ONCE)
  ) unit (
    .clock(clock), .reset(reset),
    .in_valid(1'b1), .in_ready(ready), .in_pixel(pixel),
    .out_valid(valid), .out_value(value)
  );

  integer taken = 0, given = 0, wrong = 0, c, at, out_channel, place;
  reg [8*1024-1:0] dump;

  task load_pixel(input integer index);
    for (c = 0; c < IN_CHANNELS; c = c + 1) begin
      at = (c / IN_TILE * PIXELS + index) * IN_TILE + c % IN_TILE;
      word = inputs[at/LANES];
      pixel[8*c+:8] <= word[8*(at%LANES)+:8];
    end
  endtask

  initial begin
    if (KERNEL_HEIGHT != 3 || KERNEL_WIDTH != 3 || STRIDE_X != STRIDE_Y || DILATION_X != 1 || DILATION_Y != 1 ||
        (DEPTHWISE && (GROUPS != IN_CHANNELS || OUT_CHANNELS != IN_CHANNELS))) begin
      $display("FAIL: conv3x3 is for 3x3 convolutions, ordinary or depthwise, of one stride and no dilation");
      $finish;
    end
    $readmemh(IN_FILE, inputs);
    $readmemh(OUT_FILE, expected);
    load_pixel(0);
    #4 reset <= 0;
  end

  always @(posedge clock)
    if (!reset && ready && taken < PIXELS - 1) begin
      load_pixel(taken + 1);
      taken = taken + 1;
    end

  always @(posedge clock)
    if (valid) begin
      theirs[given] = value;
      // outputs come pixel by pixel
      out_channel = given % OUT_CHANNELS;
      place = (out_channel / OUT_TILE * OUT_PIXELS + given / OUT_CHANNELS) * OUT_TILE + out_channel % OUT_TILE;
      if (value !== expected[place/LANES][8*(place%LANES)+:8]) wrong = wrong + 1;
      given = given + 1;
      if (given == OUTPUTS) begin
        if ($value$plusargs("dump=%s", dump)) $writememh(dump, theirs);
        $display("%0s: %0d of %0d outputs differ", wrong == 0 ? "PASS" : "FAIL", wrong, OUTPUTS);
        $finish;
      end
    end
endmodule
