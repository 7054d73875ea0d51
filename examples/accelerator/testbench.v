// Feeds one layer's input to conv3x3 and compares every output. parameters.vh, and the files that it names from the
// folder of the vectors, are written by `exact8 vectors --format hex --order nhwc`. See simulate.sh.
//
//   +dump=FILE   writes the outputs with $writememh, NHWC
module testbench;
  `include "parameters.vh"
  parameter FAULT_SATURATE_PAIRS = 0, FAULT_ZERO_PADDING = 0, FAULT_TRUNCATE = 0, FAULT_NO_BIAS = 0;

  localparam PIXELS = IN_HEIGHT * IN_WIDTH;
  localparam OUTPUTS = OUT_HEIGHT * OUT_WIDTH * OUT_CHANNELS;
  localparam DEPTHWISE = GROUPS > 1;

  // files have words of WORD_BITS, each of LANES values, the first in the lowest bits
  localparam LANES = WORD_BITS / 8;
  reg [WORD_BITS-1:0] inputs[0:(PIXELS*IN_CHANNELS+LANES-1)/LANES-1];
  reg [WORD_BITS-1:0] expected[0:(OUTPUTS+LANES-1)/LANES-1];
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
    .ACCUMULATOR_BITS(ACCUMULATOR_BITS), .SUM_BITS(SUM_BITS), .BIAS_BITS(BIAS_BITS),
    .MULTIPLIER_BITS(MULTIPLIER_BITS), .OFFSET_BITS(OFFSET_BITS), .SHIFT_BITS(SHIFT_BITS), .BOUNDARY_BITS(BOUNDARY_BITS),
    .WEIGHTS_FILE(WEIGHTS_OHWI_FILE), .WEIGHT_ZERO_POINT_FILE(WEIGHT_ZERO_POINT_FILE), .BIAS_FILE(BIAS_FILE),
    .MULTIPLIER_FILE(MULTIPLIER_FILE), .OFFSET_FILE(OFFSET_FILE), .SHIFT_FILE(SHIFT_FILE), .EXACT_FILE(EXACT_FILE),
    .BOUNDARIES_FILE(BOUNDARIES_FILE),
    .FAULT_SATURATE_PAIRS(FAULT_SATURATE_PAIRS), .FAULT_ZERO_PADDING(FAULT_ZERO_PADDING),
    .FAULT_TRUNCATE(FAULT_TRUNCATE), .FAULT_NO_BIAS(FAULT_NO_BIAS)
  ) unit (
    .clock(clock), .reset(reset),
    .in_valid(1'b1), .in_ready(ready), .in_pixel(pixel),
    .out_valid(valid), .out_value(value)
  );

  integer taken = 0, given = 0, wrong = 0, c, at;
  reg [8*1024-1:0] dump;

  task load_pixel(input integer index);
    for (c = 0; c < IN_CHANNELS; c = c + 1) begin
      at = index * IN_CHANNELS + c;
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
    $readmemh(INPUT_NHWC_FILE, inputs);
    $readmemh(OUTPUT_NHWC_FILE, expected);
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
      if (value !== expected[given/LANES][8*(given%LANES)+:8]) wrong = wrong + 1;
      given = given + 1;
      if (given == OUTPUTS) begin
        if ($value$plusargs("dump=%s", dump)) $writememh(dump, theirs);
        $display("%0s: %0d of %0d outputs differ", wrong == 0 ? "PASS" : "FAIL", wrong, OUTPUTS);
        $finish;
      end
    end
endmodule
