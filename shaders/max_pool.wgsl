// y[n, oy, ox, c] = max of x[.., c] over the window; taps outside the input do not take part.
// x, y: NHWC, 4 channels a word. Codes 0 to 255: the order of the codes is the order of the values.

struct Geometry {
  in_height: u32,
  in_width: u32,
  out_height: u32,
  out_width: u32,
  channel_groups: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  groups: u32,
  sign: u32,
}

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> output: array<u32>;
@group(2) @binding(0) var<uniform> geometry: Geometry;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3<u32>,
  @builtin(num_workgroups) num_workgroups: vec3<u32>,
  @builtin(local_invocation_index) local_index: u32,
) {
  let index = thread_index(workgroup_id, num_workgroups, local_index);
  if (index >= geometry.groups) {
    return;
  }
  let group = index % geometry.channel_groups;
  let pixel = index / geometry.channel_groups;
  let ox = pixel % geometry.out_width;
  let out_row = pixel / geometry.out_width;
  let oy = out_row % geometry.out_height;
  let image = out_row / geometry.out_height;
  var largest = vec4<i32>();
  for (var ky = 0u; ky < geometry.kernel_height; ky++) {
    // differences wrap, so above and left of 0 is beyond the height and the width
    let iy = oy * geometry.stride_y + ky * geometry.dilation_y - geometry.pad_top;
    if (iy >= geometry.in_height) {
      continue;
    }
    let row = (image * geometry.in_height + iy) * geometry.in_width;
    for (var kx = 0u; kx < geometry.kernel_width; kx++) {
      let ix = ox * geometry.stride_x + kx * geometry.dilation_x - geometry.pad_left;
      if (ix < geometry.in_width) {
        let word = input[(row + ix) * geometry.channel_groups + group] ^ geometry.sign;
        largest = max(largest, unpack_codes(word));
      }
    }
  }
  output[index] = pack_codes(vec4<u32>(largest)) ^ geometry.sign;
}
