#!/bin/sh
# Simulates conv3x3 on one layer, and compares every output: exit code 0 where all are equal.
#
#   simulate.sh VECTORS LAYER [DUMP.hex [FAULT_...]...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
vectors=$1
layer=$2
dump=${3:-}
[ $# -gt 3 ] && shift 3 || shift $#
faults=
for fault; do faults="$faults -Ptestbench.$fault=1"; done
case $dump in '' | /*) ;; *) dump=$PWD/$dump ;; esac

tiled=
grep -q INPUT_NHWC_FILE "$vectors/layers/$layer/parameters.vh" || tiled=-DTILED

simulation=$(mktemp)
trap 'rm -f "$simulation"' EXIT
# shellcheck disable=SC2086 # one word a fault
iverilog -g2005 -s testbench $tiled $faults -I "$vectors/layers/$layer" -o "$simulation" "$here/testbench.v" "$here/conv3x3.v"
# files are named from the folder of the vectors
result=$(cd "$vectors" && vvp -n "$simulation" ${dump:+"+dump=$dump"})
echo "$result"
case $result in *PASS*) ;; *) exit 1 ;; esac
