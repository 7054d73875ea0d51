// What of a dispatch entry points take: a thread by its number, or a workgroup, whose threads know theirs.
// The grid is two-dimensional because a dimension ends at 65,535 workgroups.

const WORKGROUP_SIZE = 64u;

struct Thread {
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  // its number in the workgroup
  @builtin(local_invocation_index) local: u32,
}

// Of workgroups of WORKGROUP_SIZE threads.
fn thread_index(thread: Thread) -> u32 {
  return (thread.workgroup.y * thread.workgroups.x + thread.workgroup.x) * WORKGROUP_SIZE + thread.local;
}

// The same in all threads: after what depends on it alone they may still wait for one another.
struct Workgroup {
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
}

fn workgroup_index(own: Workgroup) -> u32 {
  return own.id.y * own.count.x + own.id.x;
}
